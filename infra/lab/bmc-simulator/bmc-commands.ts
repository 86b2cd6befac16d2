// The commands that a simulated BMC knows, with the privilege that each needs (IPMI 2.0 appendix G).
// Sessions are session-responder.ts.
import {
  applicationCommand as application,
  decodeAuthCapabilitiesRequest,
  decodeCipherSuitesRequest,
  encodeAuthCapabilities,
  encodeDeviceId,
  privilege,
} from "../../../shared/wire/ipmi/application-commands.ts";
import type { DeviceId } from "../../../shared/wire/ipmi/application-commands.ts";
import {
  chassisCommand as chassis,
  chassisControl,
  encodeChassisStatus,
} from "../../../shared/wire/ipmi/chassis-commands.ts";
import { cipherSuiteRecord, cipherSuites } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import type { CipherSuiteId } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import { completionCode } from "../../../shared/wire/ipmi/completion-codes.table.ts";
import { netFn } from "../../../shared/wire/ipmi/message.ts";
import type { IpmiRequest } from "../../../shared/wire/ipmi/message.ts";
import type { Clock, UdpAddress } from "../../../site-agent/ports.ts";
import type { BootOptions } from "./boot-options.ts";
import type { Chassis, ChassisAction } from "./chassis.ts";
import type { Faults } from "./faults.ts";

export interface BmcState {
  readonly device: DeviceId;
  readonly guid: Uint8Array;
  readonly suites: readonly CipherSuiteId[];
  readonly chassis: Chassis;
  readonly bootOptions: BootOptions;
  readonly faults: Faults;
  readonly clock: Clock;
}

export interface Caller {
  /** 0 outside a session. */
  readonly privilege: number;
  readonly from: UdpAddress;
}

export interface Reply {
  readonly code: number;
  readonly data?: Uint8Array;
}

type Handler = (data: Uint8Array, bmc: BmcState, from: UdpAddress) => Reply | Promise<Reply>;

interface Command {
  readonly needs: number;
  readonly run: Handler;
}

const lanChannel = 1;

const applicationCommands: Readonly<Record<number, Command>> = {
  [application.getDeviceId]: {
    needs: privilege.user,
    run: (_, bmc) => good(encodeDeviceId(bmc.device)),
  },
  [application.getDeviceGuid]: { needs: privilege.user, run: (_, bmc) => good(bmc.guid) },
  [application.getSystemGuid]: { needs: 0, run: (_, bmc) => good(bmc.guid) },
  [application.getChannelAuthCapabilities]: {
    needs: 0,
    run(data) {
      const request = decodeAuthCapabilitiesRequest(data);
      return request === undefined
        ? bad(completionCode.invalidLength)
        : good(encodeAuthCapabilities(lanChannel, request.rmcpPlus));
    },
  },
  [application.getChannelCipherSuites]: { needs: 0, run: listCipherSuites },
};

const chassisCommands: Readonly<Record<number, Command>> = {
  [chassis.getStatus]: {
    needs: privilege.user,
    async run(_, bmc) {
      const { on } = await bmc.chassis.power();
      return good(encodeChassisStatus({ powerOn: on, powerFault: false }));
    },
  },
  [chassis.getCapabilities]: {
    needs: privilege.user,
    run: () => good(Uint8Array.of(0, 0x20, 0x20, 0x20, 0x20)),
  },
  [chassis.control]: { needs: privilege.operator, run: controlPower },
  [chassis.identify]: { needs: privilege.operator, run: () => good() },
  [chassis.setBootOptions]: {
    needs: privilege.operator,
    run: async (data, bmc, from) => ({ code: await bmc.bootOptions.set(data, from) }),
  },
  [chassis.getBootOptions]: {
    needs: privilege.operator,
    run(data, bmc) {
      const value = bmc.bootOptions.get(data);
      return value === undefined ? bad(completionCode.bootParameterUnsupported) : good(value);
    },
  },
};

const commands: Readonly<Record<number, Readonly<Record<number, Command>>>> = {
  [netFn.application]: applicationCommands,
  [netFn.chassis]: chassisCommands,
};

/** Runs anything but session commands. */
export async function runCommand(
  request: IpmiRequest,
  caller: Caller,
  bmc: BmcState,
): Promise<Reply> {
  const command = commands[request.netFn]?.[request.command];
  if (command === undefined) return bad(completionCode.invalidCommand);
  if (caller.privilege < command.needs) return bad(completionCode.insufficientPrivilege);
  try {
    return await command.run(request.data, bmc, caller.from);
  } catch {
    return bad(completionCode.unspecified);
  }
}

function good(data: Uint8Array = new Uint8Array()): Reply {
  return { code: completionCode.ok, data };
}

function bad(code: number): Reply {
  return { code };
}

/** Records of all suites in one string, 16 bytes of it per list index (section 22.15). */
function listCipherSuites(data: Uint8Array, bmc: BmcState): Reply {
  const request = decodeCipherSuitesRequest(data);
  if (request === undefined) return bad(completionCode.invalidLength);
  const records = bmc.suites.flatMap((id) => [...cipherSuiteRecord(cipherSuites[id])]);
  const start = request.listIndex * 16;
  return good(Uint8Array.of(lanChannel, ...records.slice(start, start + 16)));
}

async function controlPower(data: Uint8Array, bmc: BmcState, from: UdpAddress): Promise<Reply> {
  const action = actionOf(data[0]);
  if (action === undefined) return bad(completionCode.invalidField);
  const { on } = await bmc.chassis.power();
  if (!on && (action === "cycle" || action === "reset")) {
    bmc.chassis.refused?.(action, from);
    return bad(completionCode.notInThisState);
  }
  bmc.bootOptions.keep();
  const starts = action === "on" ? !on : action === "cycle" || action === "reset";
  const act = async (): Promise<void> => {
    const stuck = bmc.faults.stuckOff && starts;
    if (!stuck) await bmc.chassis.set(action, from);
    else if (action === "cycle") await bmc.chassis.set("off", from);
    if (starts && !stuck) bmc.bootOptions.useUp();
  };
  if (bmc.faults.powerDelayMs === 0) await act();
  // The BMC has said yes long before: nobody is left to hear of an error.
  else bmc.clock.timer(bmc.faults.powerDelayMs, () => void act().catch(() => {}));
  return good();
}

function actionOf(code: number | undefined): ChassisAction | undefined {
  const actions: readonly ChassisAction[] = ["off", "on", "cycle", "reset", "soft"];
  return actions.find((action) => chassisControl[action] === code);
}
