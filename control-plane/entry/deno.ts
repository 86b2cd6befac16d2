// The control plane on Deno and Deno Deploy: Postgres by DATABASE_URL only, the platform's TLS, a cron that wakes
// an idle application, an orderly end on SIGINT and SIGTERM (the platform kills 5 s later).
import { upgradeWebSocket } from "hono/deno";
import { compose, type ControlPlane } from "../compose.ts";
import { configHelp, readConfig, type Config } from "../config.ts";
import { openPostgres } from "../store/database.ts";
import { overDatabase } from "../store/make-store.ts";
import { prepareDatabase } from "./prepare-database.ts";
import { clock, jsonLog, webCrypto } from "./runtime.ts";

const stopWithinMs = 3_500;

// A cron has to be registered while the module is evaluated; it does nothing until the application runs.
let plane: ControlPlane | undefined;
if (typeof Deno.cron === "function") {
  void Deno.cron("due hosts", "* * * * *", async () => void (await plane?.sweep()));
}

if (Deno.args.includes("--help")) {
  console.log(configHelp());
} else {
  const config = readConfig(Deno.env.toObject());
  const problem = config.ok
    ? config.value.DATABASE_URL === undefined && "DATABASE_URL: required on Deno"
    : config.error.message;
  if (!config.ok || problem !== false) {
    console.error(`The control plane cannot start:\n${String(problem)}\n\n--help tells more.`);
    Deno.exit(2);
  }
  await run(config.value);
}

async function run(config: Config): Promise<void> {
  const instance =
    config.FARRIER_INSTANCE ?? Deno.env.get("DENO_DEPLOYMENT_ID") ?? `deno-${Deno.pid}`;
  const log = jsonLog(instance);
  const url = config.DATABASE_URL ?? "";
  const database = openPostgres({
    url,
    directUrl: config.DATABASE_URL_DIRECT ?? url,
    maxConnections: config.FARRIER_DATABASE_CONNECTIONS,
    pooler: config.FARRIER_DATABASE_POOLER,
  });
  await prepareDatabase(database, config.FARRIER_MIGRATE ?? false);
  const { FARRIER_HOST: hostname, FARRIER_TLS_CERT: cert, FARRIER_TLS_KEY: key } = config;
  const secure =
    cert === undefined || key === undefined
      ? undefined
      : { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
  const scheme = secure === undefined ? "http" : "https";
  const address = `${scheme}://${hostname}:${config.FARRIER_PORT}`;
  const running = await compose({
    ...overDatabase(database, clock),
    clock,
    crypto: webCrypto,
    log,
    upgradeWebSocket,
    instance,
    origins: config.FARRIER_ORIGIN ?? [address],
    adminToken: config.FARRIER_ADMIN_TOKEN,
  });
  plane = running;
  const options = {
    hostname,
    port: config.FARRIER_PORT,
    onListen: () => log.info("listening", { address }),
  };
  const server = Deno.serve({ ...options, ...secure }, (request) => running.app.fetch(request));
  stopOnSignal(async (signal) => {
    log.info("stopping", { signal });
    await running.stop();
    await server.shutdown();
    await database.close();
  });
}

function stopOnSignal(stop: (signal: string) => Promise<void>): void {
  let stopping = false;
  const handle = (signal: Deno.Signal) => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => Deno.exit(1), stopWithinMs);
    void stop(signal).then(
      () => Deno.exit(0),
      () => Deno.exit(1),
    );
  };
  Deno.addSignalListener("SIGINT", () => handle("SIGINT"));
  Deno.addSignalListener("SIGTERM", () => handle("SIGTERM"));
}
