// The boot network of a site: DHCP, TFTP and HTTP boot over one table of allowed MACs. Hop 7 of a
// change: operations allow a MAC, power the machine on, and ask what was seen.

import { parseMac } from "../../shared/mac.ts";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type {
  Clock,
  Files,
  Log,
  ServerRequest,
  ServerResponse,
  Udp,
  UdpAddress,
} from "../ports.ts";
import { makeBootHttp } from "./http/boot-http.ts";
import { startDhcpServer } from "./dhcp/dhcp-server.ts";
import { checkKernelParameters } from "./http/ipxe-script.ts";
import { makeLeases } from "./dhcp/leases.ts";
import type { Leases } from "./dhcp/leases.ts";
import { bootFileName, bootPaths, configProblems } from "./netboot-config.ts";
import type { NetbootConfig } from "./netboot-config.ts";
import type { Netboot, NetbootEntry } from "./port.ts";
import { makeSightings } from "./sightings.ts";
import type { Sightings } from "./sightings.ts";
import { startTftpServer } from "./tftp/tftp-server.ts";

export interface NetbootPorts {
  readonly udp: Udp;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: NetbootConfig;
}

export interface RunningNetboot extends Netboot {
  /** Checks the configuration and that every boot file is there, then listens. */
  start(): Promise<Result<void, NetbootStartError>>;
  stop(): void;
  /** For the plain-HTTP server at `config.address` and `config.httpPort`. Never rejects. */
  handleHttp(request: ServerRequest): Promise<ServerResponse>;
}

export type NetbootStartError = "config" | "in-use" | "denied" | "unsupported";

export function makeNetboot(ports: NetbootPorts): RunningNetboot {
  const { clock, config, log } = ports;
  const entries = new Map<string, NetbootEntry>();
  const entryOf = (mac: string): NetbootEntry | undefined => entries.get(mac);
  const sightings = makeSightings(clock);
  const isReserved = (address: string, mac: string): boolean =>
    [...entries.values()].some((entry) => entry.address === address && entry.mac !== mac);
  const leases = makeLeases({ clock, config, isReserved });
  const state = { entryOf, leases, sightings };
  const running: { stop(): void }[] = [];

  return {
    allow(entry) {
      checkEntry(entry, config);
      entries.set(entry.mac, entry);
      const { mac, hostUid, operationId } = entry;
      log.info("network boot allowed", { mac, hostUid, operationId });
    },
    withdraw(mac) {
      if (entries.delete(mac)) log.info("network boot withdrawn", { mac });
    },
    sightings: (mac, sinceMs) => sightings.list(mac, sinceMs),
    strangers: (sinceMs) => sightings.strangers(sinceMs),
    async start() {
      const problem = await findProblem(ports);
      if (problem !== undefined) return err("config", problem);
      const context = { config, leases, entryOf };
      const dhcp = await startDhcpServer({ ...ports, sightings, context });
      if (!dhcp.ok) return dhcp;
      running.push(dhcp.value);
      const tftp = await startTftpServer({
        ...ports,
        address: config.address,
        find: (file, client) => findBootFile(file, client, { ...state, config }),
      });
      if (tftp.ok) running.push(tftp.value);
      else stopAll(running);
      return tftp.ok ? ok(undefined) : tftp;
    },
    stop: () => stopAll(running),
    handleHttp: makeBootHttp({ ...ports, ...state }),
  };
}

function stopAll(running: { stop(): void }[]): void {
  for (const server of running.splice(0)) server.stop();
}

/** Entries are made by our own operations: one that breaks the contract is a bug. */
function checkEntry(entry: NetbootEntry, config: NetbootConfig): void {
  const mac = parseMac(entry.mac);
  if (!mac.ok) throw new Error(mac.error.message);
  if (mac.value !== entry.mac) throw new Error(`MAC ${entry.mac} is not in lower case with colons`);
  const parameters = [...(config.kernelParameters ?? []), ...entry.kernelParameters];
  const checked = checkKernelParameters(parameters);
  if (!checked.ok) throw new Error(checked.error.message);
}

async function findProblem({ files, config }: NetbootPorts): Promise<string | undefined> {
  const problems = [...configProblems(config)];
  for (const path of bootPaths(config)) {
    const file = await files.open(path, "read");
    if (file.ok) await file.value.close();
    else problems.push(file.error.message);
  }
  return problems.length === 0 ? undefined : problems.join("; ");
}

interface BootFileContext {
  readonly entryOf: (mac: string) => NetbootEntry | undefined;
  readonly leases: Leases;
  readonly sightings: Sightings;
  readonly config: NetbootConfig;
}

/** By TFTP go iPXE's two files, to an address that an allowed MAC was given. */
function findBootFile(
  asked: string,
  client: UdpAddress,
  { entryOf, leases, sightings, config }: BootFileContext,
): string | undefined {
  const mac = leases.macOf(client.address);
  if (mac === undefined || entryOf(mac) === undefined) return undefined;
  const name = asked.replace(/^(\.?\/)+/, "");
  const firmware = (["bios", "uefi"] as const).find((each) => bootFileName(config, each) === name);
  if (firmware === undefined) return undefined;
  sightings.record(mac, "bootloader", `${name} by TFTP`);
  return config.bootFiles[firmware];
}
