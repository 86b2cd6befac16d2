// The agent's boot network as a program for tests, with the agent's real adapters:
// `node netboot-program.ts CONFIG.json SOCKET`. Serves until it is killed; the unix socket takes
// one JSON request per POST, in the words of the Netboot port, and prints "ready" when it listens.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { argv } from "node:process";
import { makeNodeClock } from "../../site-agent/adapters/node-clock.ts";
import { nodeFiles } from "../../site-agent/adapters/node-files.ts";
import { makeNodeHttpServer } from "../../site-agent/adapters/node-http-server.ts";
import { makeNodeUdp } from "../../site-agent/adapters/node-udp.ts";
import type { NetbootConfig } from "../../site-agent/netboot/netboot-config.ts";
import { makeNetboot } from "../../site-agent/netboot/netboot.ts";
import type { NetbootEntry } from "../../site-agent/netboot/port.ts";
import type { LogFields } from "../../site-agent/ports.ts";

export type NetbootCall =
  | { readonly call: "allow"; readonly entry: NetbootEntry }
  | { readonly call: "withdraw"; readonly mac: string }
  | { readonly call: "sightings"; readonly mac: string }
  | { readonly call: "strangers" };

const [, , configPath = "", socketPath = ""] = argv;
const config = JSON.parse(await readFile(configPath, "utf8")) as NetbootConfig;
const write = (message: string, fields?: LogFields): void => {
  console.log(JSON.stringify({ message, ...fields }));
};
const log = { info: write, warn: write, error: write };
const netboot = makeNetboot({
  udp: makeNodeUdp(),
  files: nodeFiles,
  clock: makeNodeClock(),
  log,
  config,
});
const started = await netboot.start();
if (!started.ok) throw new Error(started.error.message);
const http = await makeNodeHttpServer({ log }).listen({
  address: config.address,
  port: config.httpPort,
  handle: (request) => netboot.handleHttp(request),
});
if (!http.ok) throw new Error(http.error.message);

function answer(call: NetbootCall): unknown {
  switch (call.call) {
    case "allow":
      return netboot.allow(call.entry);
    case "withdraw":
      return netboot.withdraw(call.mac);
    case "sightings":
      return netboot.sightings(call.mac, 0);
    case "strangers":
      return netboot.strangers(0);
  }
}

createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const call = JSON.parse(Buffer.concat(parts).toString("utf8")) as NetbootCall;
    response.end(JSON.stringify(answer(call) ?? null));
  });
}).listen(socketPath, () => console.log("ready"));
