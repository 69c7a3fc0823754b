// Runs the edge's function with the names that cloudfront-js-2.0 has, and nothing more of Node.
//
// Reads one JSON object from standard input, {code, event}, and writes the function's result.
// Source: "JavaScript runtime 2.0 features for CloudFront Functions" in the Amazon CloudFront
// Developer Guide: no timers, no network, no files, no URL, no TextDecoder, no atob.

const fs = require('fs');
const vm = require('vm');

const { code, event } = JSON.parse(fs.readFileSync(0, 'utf8'));
// A new context has the language's own names only. Strings can't be evaluated at CloudFront.
const context = vm.createContext(
    { Buffer, console: { log() {} } },
    { codeGeneration: { strings: false, wasm: false } }
);
vm.runInContext('delete globalThis.WebAssembly; delete globalThis.SharedArrayBuffer;', context);
vm.runInContext(`${code}\nglobalThis.entry = handler;`, context);
process.stdout.write(JSON.stringify(context.entry(event)));
