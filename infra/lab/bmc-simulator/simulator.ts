// A BMC for tests and labs: IPMI 2.0 with cipher suites 3 and 17, judged by ipmitool and freeipmi,
// with faults to order. As a program: node simulator.ts CONFIG.json (see simulator-config.ts).
import { readFile } from "node:fs/promises";
import type { DeviceId } from "../../../shared/wire/ipmi/application-commands.ts";
import type { CipherSuiteId } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import { makeNodeClock } from "../../../site-agent/adapters/node-clock.ts";
import { makeNodeCrypto } from "../../../site-agent/adapters/node-crypto.ts";
import { makeNodeUdp } from "../../../site-agent/adapters/node-udp.ts";
import type { Clock, Crypto, Udp, UdpAddress, UdpSocket } from "../../../site-agent/ports.ts";
import { makeBootOptions } from "./boot-options.ts";
import { makeMemoryChassis } from "./chassis.ts";
import type { Chassis } from "./chassis.ts";
import { dropAtRandom, noFaults } from "./faults.ts";
import type { Faults } from "./faults.ts";
import { answerDatagram } from "./session-responder.ts";
import type { ResponderState } from "./session-responder.ts";
import type { LoginRecord, LoginWatch } from "./session-setup.ts";
import { SessionTable } from "./session-table.ts";
import type { SimulatedUser } from "./session-table.ts";
import { parseSimulatorConfig } from "./simulator-config.ts";
import { makeSocketChassis } from "./socket-chassis.ts";

export interface BmcSimulatorOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** Looked at for each login: may change. */
  readonly users: readonly SimulatedUser[];
  /** UUID; its bytes go out in this order. */
  readonly guid: string;
  readonly chassis: Chassis;
  readonly device?: DeviceId;
  readonly suites?: readonly CipherSuiteId[];
  /** Sessions at once; real BMCs often have four or five. */
  readonly sessionLimit?: number;
  /** An idle session ends after this; 60 s when absent (IPMI 2.0 section 6.12.15). */
  readonly sessionIdleMs?: number;
  readonly faults?: Partial<Faults>;
  readonly logins?: LoginWatch;
  /** The real world when absent. */
  readonly ports?: { readonly udp: Udp; readonly clock: Clock; readonly crypto: Crypto };
}

export interface BmcSimulator {
  readonly local: UdpAddress;
  readonly faults: Faults;
  readonly record: Readonly<LoginRecord>;
  /** Sessions that are open now. */
  openSessions(): number;
  /** Forgets all sessions without a word, as a BMC does that restarts. */
  restart(): void;
  close(): void;
}

const someDevice: DeviceId = {
  deviceId: 0x20,
  firmwareMajor: 1,
  firmwareMinor: 2,
  // Reserved for documentation and examples (RFC 5612).
  manufacturerId: 32473,
  productId: 1,
};

const usualIdleMs = 60_000;

/** Throws when the address cannot be bound. */
export async function startBmcSimulator(options: BmcSimulatorOptions): Promise<BmcSimulator> {
  const { udp, clock, crypto } = options.ports ?? {
    udp: makeNodeUdp(),
    clock: makeNodeClock(),
    crypto: makeNodeCrypto(),
  };
  const faults: Faults = Object.assign(noFaults(), options.faults);
  const bmc: ResponderState = {
    device: options.device ?? someDevice,
    get guid() {
      return guidBytes(faults.guid ?? options.guid);
    },
    suites: options.suites ?? [3, 17],
    users: options.users,
    chassis: options.chassis,
    bootOptions: makeBootOptions(options.chassis, clock, faults),
    sessions: new SessionTable(options.sessionLimit ?? 4, options.sessionIdleMs ?? usualIdleMs),
    record: { attempts: 0, failures: 0, logins: [] },
    faults,
    clock,
    crypto,
    logins: options.logins,
  };
  const socket = await bind(udp, options, bmc);
  return {
    local: socket.local,
    faults,
    record: bmc.record,
    openSessions: () => bmc.sessions.open,
    restart: () => bmc.sessions.clear(),
    close() {
      bmc.bootOptions.close();
      socket.close();
    },
  };
}

async function bind(
  udp: Udp,
  { address, port }: BmcSimulatorOptions,
  bmc: ResponderState,
): Promise<UdpSocket> {
  const bound: Awaited<ReturnType<Udp["bind"]>> = await udp.bind({
    address,
    port,
    onMessage(data, from) {
      if (bmc.faults.drop("in")) return;
      void answerDatagram(data, from, bmc).then((answer) => {
        if (answer === undefined || bmc.faults.drop("out") || !bound.ok) return;
        bound.value.send(answer, from);
      });
    },
  });
  if (!bound.ok) throw new Error(bound.error.message);
  return bound.value;
}

function guidBytes(uuid: string): Uint8Array {
  return new Uint8Array(Buffer.from(uuid.replaceAll("-", ""), "hex"));
}

async function main(configPath: string | undefined): Promise<void> {
  if (configPath === undefined) throw new Error("Usage: node simulator.ts CONFIG.json");
  const config = parseSimulatorConfig(await readFile(configPath, "utf8"));
  const { chassisSocket, dropRate, powerDelayMs, stuckOff, refusedSuites, ...rest } = config;
  const simulator = await startBmcSimulator({
    ...rest,
    chassis: chassisSocket === undefined ? makeMemoryChassis() : makeSocketChassis(chassisSocket),
    faults: { drop: dropAtRandom(dropRate), powerDelayMs, stuckOff, refusedSuites },
  });
  console.log(`BMC listens on ${simulator.local.address} port ${simulator.local.port}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => process.exit(0));
  }
}

if (import.meta.main) await main(process.argv[2]);
