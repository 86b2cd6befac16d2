// The control plane on Node: TLS from files, Postgres by URL or embedded, an orderly end on SIGINT and SIGTERM.
import { serve, upgradeWebSocket, type ServerType } from "@hono/node-server";
import { readFile } from "node:fs/promises";
import { createServer as createSecureServer } from "node:https";
import { resolve } from "node:path";
import process from "node:process";
import { WebSocketServer } from "ws";
import { maxFrameBytes } from "../../shared/protocol/frames.ts";
import { compose, type ControlPlane } from "../compose.ts";
import { configHelp, readConfig, type Config } from "../config.ts";
import { openPostgres, type Database } from "../store/database.ts";
import { overDatabase } from "../store/make-store.ts";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import { freePort } from "./free-port.ts";
import { prepareDatabase } from "./prepare-database.ts";
import { clock, jsonLog, webCrypto } from "./runtime.ts";

const stopWithinMs = 3_500;

if (process.argv.includes("--help")) {
  console.log(configHelp());
} else {
  await main();
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  if (!config.ok) {
    console.error(`The control plane cannot start:\n${config.error.message}\n\n--help tells more.`);
    process.exit(2);
  }
  try {
    await run(config.value);
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : String(thrown));
    process.exit(1);
  }
}

async function run(config: Config): Promise<void> {
  const instance = config.FARRIER_INSTANCE ?? `node-${process.pid}`;
  const log = jsonLog(instance);
  const { database, stop: stopDatabase } = await openDatabase(config);
  await prepareDatabase(database, config.FARRIER_MIGRATE ?? true);
  const { FARRIER_HOST: host } = config;
  const port = config.FARRIER_PORT === 0 ? await freePort(host) : config.FARRIER_PORT;
  const scheme = config.FARRIER_TLS_CERT === undefined ? "http" : "https";
  const address = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const plane = await compose({
    ...overDatabase(database, clock),
    clock,
    crypto: webCrypto,
    log,
    upgradeWebSocket,
    instance,
    origins: config.FARRIER_ORIGIN ?? [address],
    adminToken: config.FARRIER_ADMIN_TOKEN,
  });
  const server = await listen(config, plane, port);
  log.info("listening", { address });
  stopOnSignal(async (signal) => {
    log.info("stopping", { signal });
    server.close();
    await plane.stop();
    if ("closeAllConnections" in server) server.closeAllConnections();
    await database.close();
    await stopDatabase();
  });
}

async function openDatabase(
  config: Config,
): Promise<{ database: Database; stop: () => Promise<void> }> {
  const embedded =
    config.DATABASE_URL === undefined
      ? await startEmbeddedPostgres({ dataDirectory: resolve(config.FARRIER_DATA) })
      : undefined;
  const url = embedded?.url ?? config.DATABASE_URL ?? "";
  const database = openPostgres({
    url,
    directUrl: config.DATABASE_URL_DIRECT ?? url,
    maxConnections: config.FARRIER_DATABASE_CONNECTIONS,
    pooler: config.FARRIER_DATABASE_POOLER,
  });
  return { database, stop: async () => await embedded?.stop() };
}

async function listen(config: Config, plane: ControlPlane, port: number): Promise<ServerType> {
  const { FARRIER_TLS_CERT: cert, FARRIER_TLS_KEY: key, FARRIER_HOST: hostname } = config;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
  });
  const options = {
    fetch: plane.app.fetch,
    hostname,
    port,
    websocket: { server: sockets as unknown as NodeSocketServer },
  };
  const secure =
    cert === undefined || key === undefined
      ? undefined
      : { cert: await readFile(cert, "utf8"), key: await readFile(key, "utf8") };
  return await new Promise((ready, reject) => {
    const server: ServerType =
      secure === undefined
        ? serve(options, () => ready(server))
        : serve({ ...options, createServer: createSecureServer, serverOptions: secure }, () =>
            ready(server),
          );
    server.once("error", reject);
  });
}

/** What serve takes; `ws` differs only in optional fields that may be undefined. */
type NodeSocketServer = NonNullable<Parameters<typeof serve>[0]["websocket"]>["server"];

/** The platform kills after 5 s; what is not done by then is found again by another instance. */
function stopOnSignal(stop: (signal: string) => Promise<void>): void {
  let stopping = false;
  const handle = (signal: string) => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), stopWithinMs).unref();
    void stop(signal).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGINT", () => handle("SIGINT"));
  process.on("SIGTERM", () => handle("SIGTERM"));
}
