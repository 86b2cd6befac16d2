// Control plane instances as operators run them: programs on Node or Deno, TLS, one Postgres between them.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificateAuthority } from "../../../infra/preparation/certificates.ts";
import { freePort } from "../../../infra/preparation/free-port.ts";
import { startTestPostgres, type TestDatabase } from "./test-database.ts";

export type RuntimeName = "node" | "deno";

export interface Answer {
  readonly status: number;
  readonly text: string;
  json(): Record<string, unknown>;
}

export interface AskOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Instance {
  readonly origin: string;
  readonly process: ChildProcess;
  /** Code or signal, once it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  /** All that it has said so far. */
  log(): string;
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
}

export interface Installation {
  readonly caPem: string;
  readonly database: TestDatabase;
  start(runtime: RuntimeName): Promise<Instance>;
  stop(): Promise<void>;
}

export const adminToken = "a-token-for-operators-in-tests";
const root = new URL("../../../", import.meta.url).pathname;

const commands: Readonly<Record<RuntimeName, readonly [string, ...string[]]>> = {
  node: [process.execPath, "control-plane/entry/node.ts"],
  deno: [
    join(root, "node_modules/.bin/deno"),
    "run",
    "-A",
    "--node-modules-dir=manual",
    "control-plane/entry/deno.ts",
  ],
};

/** `origins`: how many instances agents may know by address. */
export async function install(origins: number): Promise<Installation> {
  const directory = await mkdtemp(join(tmpdir(), "farrier-test-instances-"));
  const database = await startTestPostgres();
  const authority = await makeCertificateAuthority(directory, "test");
  const { certPem, keyPem } = await authority.issue({
    commonName: "control plane",
    ipAddresses: ["127.0.0.1"],
    server: true,
  });
  const [cert, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
  await writeFile(cert, certPem);
  await writeFile(key, keyPem, { mode: 0o600 });
  const ports = await Promise.all(Array.from({ length: origins }, () => freePort()));
  const instances: Instance[] = [];
  let started = 0;
  return {
    caPem: authority.certPem,
    database,
    async start(runtime) {
      const port = ports[started % origins] ?? 0;
      started += 1;
      const environment = {
        PATH: process.env["PATH"],
        HOME: directory,
        FARRIER_PORT: String(port),
        FARRIER_ORIGIN: ports.map((each) => `https://127.0.0.1:${each}`).join(","),
        FARRIER_TLS_CERT: cert,
        FARRIER_TLS_KEY: key,
        FARRIER_ADMIN_TOKEN: adminToken,
        FARRIER_INSTANCE: `${runtime}-${started}`,
        DATABASE_URL: database.url,
      };
      const instance = launch(commands[runtime], environment, {
        origin: `https://127.0.0.1:${port}`,
        caPem: authority.certPem,
      });
      instances.push(instance);
      await isListening(instance);
      return instance;
    },
    async stop() {
      for (const { process: child } of instances) child.kill("SIGKILL");
      await Promise.all(instances.map(({ ended }) => ended));
      await database.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function launch(
  [command, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  { origin, caPem }: { readonly origin: string; readonly caPem: string },
): Instance {
  const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  return {
    origin,
    process: child,
    ended,
    log: () => log,
    ask: (method, path, options) => ask(`${origin}${path}`, { method, caPem, ...options }),
  };
}

async function isListening(instance: Instance): Promise<void> {
  const endMs = Date.now() + 30_000;
  while (Date.now() < endMs && instance.process.exitCode === null) {
    if (instance.log().includes('"listening"')) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`the instance did not start: ${instance.log()}`);
}

function ask(
  url: string,
  {
    method,
    caPem,
    headers,
    body,
  }: AskOptions & { readonly method: string; readonly caPem: string },
): Promise<Answer> {
  const payload = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        ca: caPem,
        agent: false,
        headers: { "content-type": "application/json", ...headers },
      },
      (answer) => {
        let text = "";
        answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
        answer.on("error", reject);
        answer.on("end", () => {
          // The server may answer before all that was announced is sent.
          if (headers?.["content-length"] !== undefined) sent.destroy();
          resolve({
            status: answer.statusCode ?? 0,
            text,
            json: () => JSON.parse(text) as Record<string, unknown>,
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(payload);
  });
}
