// Runs CloudFront functions with the names that cloudfront-js-2.0 has, and nothing more of Node.
//
// Reads one JSON object a line, {id, code, event}, and answers each with {id, result} or
// {id, error}. Every invocation has a new context, as functions keep no state.
//
// Source: "JavaScript runtime 2.0 features for CloudFront Functions" in the Amazon CloudFront
// Developer Guide: no timers, no network, no files, no URL, no TextDecoder, no atob; strings can't
// be evaluated.

const readline = require('readline');
const vm = require('vm');

const MILLISECONDS = 1000;
const scripts = new Map();

function script(code) {
    if (!scripts.has(code)) {
        const call = `
            globalThis.output = {};
            Promise.resolve().then(() => handler(JSON.parse(input))).then(
                (value) => { output.result = JSON.stringify(value); },
                (error) => { output.error = String(error); }
            );`;
        scripts.set(code, new vm.Script(`${code}\n;${call}`, { filename: 'function.js' }));
    }
    return scripts.get(code);
}

function run(code, event) {
    const context = vm.createContext(
        { Buffer, console: { log() {} }, input: JSON.stringify(event) },
        { codeGeneration: { strings: false, wasm: false }, microtaskMode: 'afterEvaluate' }
    );
    vm.runInContext('delete globalThis.WebAssembly; delete globalThis.SharedArrayBuffer;', context);
    script(code).runInContext(context, { timeout: MILLISECONDS });
    const output = context.output;
    if ('error' in output) {
        throw new Error(output.error);
    }
    if (output.result === undefined) {
        throw new Error('the function returned nothing');
    }
    return JSON.parse(output.result);
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, code, event } = JSON.parse(line);
    let answer;
    try {
        answer = { id, result: run(code, event) };
    } catch (error) {
        answer = { id, error: String(error) };
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
});
