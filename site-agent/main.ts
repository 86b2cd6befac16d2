// The agent program: npm run agent -- --config FILE. Names the adapters, reads the configuration, runs.
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { findCa } from "./adapters/node-ca-finder.ts";
import { makeJsonLog } from "./adapters/json-log.ts";
import { makeNodeClock } from "./adapters/node-clock.ts";
import { nodeCompression } from "./adapters/node-compression.ts";
import { makeNodeCrypto } from "./adapters/node-crypto.ts";
import { openNodeDatabase } from "./adapters/node-database.ts";
import { makeNodeDuplexClient } from "./adapters/node-duplex-client.ts";
import { nodeFiles } from "./adapters/node-files.ts";
import { makeNodeHttpClient } from "./adapters/node-http-client.ts";
import { makeNodeHttpServer } from "./adapters/node-http-server.ts";
import { readNodeMachineBoot } from "./adapters/node-machine-boot.ts";
import { makeNodeKubernetes } from "./adapters/node-kubernetes.ts";
import { nodePrograms } from "./adapters/node-programs.ts";
import { defaultDuplexLimits } from "./adapters/ws-duplex.ts";
import { makeNodeConnectCluster } from "./adapters/node-workload-clusters.ts";
import { makeNodeUdp } from "./adapters/node-udp.ts";
import { runAgent } from "./agent.ts";
import { describeConfig, parseConfig, type AgentConfig } from "./config.ts";

function giveUp(message: string): never {
  console.error(message);
  process.exit(1);
}

function readConfig(path: string | undefined): AgentConfig {
  if (path === undefined)
    giveUp("Name the configuration: --config FILE, or FARRIER_AGENT_CONFIG. All fields: --help");
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    giveUp(
      `The configuration ${path} cannot be read: ${error instanceof Error ? error.message : ""}`,
    );
  }
  const config = parseConfig(text, path);
  return config.ok ? config.value : giveUp(config.error.message);
}

/** What cannot work at all ends the program with a sentence, and not with a stack. */
function orGiveUp<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return giveUp(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function openState(directory: string) {
  // Keys and credentials are kept there: for nobody else to read.
  process.umask(0o077);
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o700);
  return openNodeDatabase(`${directory}/agent.sqlite`);
}

const { values } = orGiveUp("The command line is not understood", () =>
  parseArgs({
    options: {
      config: { type: "string" },
      help: { type: "boolean" },
      "print-config": { type: "boolean" },
    },
  }),
);
if (values.help === true) {
  console.log(
    `farrier agent\n\n  --config FILE    YAML or JSON (or FARRIER_AGENT_CONFIG)\n  --print-config   show what was understood, and stop\n\nFields of the file:\n${describeConfig()}`,
  );
  process.exit(0);
}
const config = readConfig(values.config ?? process.env["FARRIER_AGENT_CONFIG"]);
if (values["print-config"] === true) {
  console.log(JSON.stringify(config, undefined, 2));
  process.exit(0);
}

const log = makeJsonLog();
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
const { stateDirectory, cluster } = config;
const database = orGiveUp(`The state directory ${stateDirectory} cannot be used`, () =>
  openState(stateDirectory),
);
const kubernetes =
  cluster === undefined
    ? undefined
    : orGiveUp("The Kubernetes API cannot be found", () => makeNodeKubernetes(cluster.kubeconfig));
const ended = await runAgent(
  {
    clock: makeNodeClock(),
    crypto: makeNodeCrypto(),
    compression: nodeCompression,
    files: nodeFiles,
    programs: nodePrograms,
    http: makeNodeHttpClient(),
    server: makeNodeHttpServer({ log }),
    udp: makeNodeUdp(),
    // An operation may carry three Secrets of a mebibyte each, in base64.
    duplex: makeNodeDuplexClient({ ...defaultDuplexLimits, maxMessageBytes: 8 * 1024 * 1024 }),
    kubernetes,
    connectCluster: makeNodeConnectCluster(),
    database,
    log,
    hostname: hostname(),
    machineBoot: readNodeMachineBoot(),
    findCa,
  },
  config,
  stop.signal,
);
database.close();
if (!ended.ok) giveUp(ended.error.message);
process.exit(0);
