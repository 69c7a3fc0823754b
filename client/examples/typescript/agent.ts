// The MCP SDK for TypeScript, with one token request per lifetime.
// npm install && npm start, with the environment variables of docs/clients.md.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

interface Credentials {
  clientId: string;
  clientSecret: string;
  tokenUrl: string;
  scopes: string;
  mcpUrl: string;
}

interface Token {
  value: string;
  expiresAt: number;
}

const MARGIN_MS = 120_000;

class TokenProvider {
  readonly #credentials: Credentials;
  #token?: Token;
  #request?: Promise<Token>;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  async token(): Promise<string> {
    if (this.#token && this.#token.expiresAt - Date.now() > MARGIN_MS) return this.#token.value;
    // All callers wait for the same request.
    this.#request ??= this.#fetch().finally(() => (this.#request = undefined));
    this.#token = await this.#request;
    return this.#token.value;
  }

  async #fetch(): Promise<Token> {
    const { clientId, clientSecret, tokenUrl, scopes } = this.#credentials;
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
    const response = await fetch(tokenUrl, {
      method: "POST",
      headers: { Authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: "client_credentials", scope: scopes }),
      redirect: "error",
      signal: AbortSignal.timeout(10_000),
    });
    const answer = (await response.json()) as Record<string, any>;
    if (!response.ok) throw new Error(`no token: ${answer.error}`);
    return { value: answer.access_token, expiresAt: Date.now() + answer.expires_in * 1000 };
  }
}

function fromEnvironment(): Credentials {
  const variable = (name: string): string => {
    const value = process.env[name];
    if (!value) throw new Error(`set ${name}`);
    return value;
  };
  return {
    clientId: variable("NEO4J_MCP_CLIENT_ID"),
    clientSecret: variable("NEO4J_MCP_CLIENT_SECRET"),
    tokenUrl: variable("NEO4J_MCP_TOKEN_URL"),
    scopes: variable("NEO4J_MCP_SCOPES"),
    mcpUrl: variable("NEO4J_MCP_URL"),
  };
}

const credentials = fromEnvironment();
const tokens = new TokenProvider(credentials);
const client = new Client({ name: "example", version: "1.0.0" });
await client.connect(
  new StreamableHTTPClientTransport(new URL(credentials.mcpUrl), {
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      headers.set("Authorization", `Bearer ${await tokens.token()}`);
      return fetch(url, { ...init, headers });
    },
  }),
);
const query = "MATCH (p:Person) RETURN count(p) AS people";
const result = await client.callTool({ name: "read-cypher", arguments: { query } });
for (const block of result.content as { text: string }[]) console.log(block.text);
await client.close();
