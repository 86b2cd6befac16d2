// The Bmc port over IPMI: which commands make up an answer or an action, and what their completion
// codes mean. "Accepted" is all that it reports: callers read back.
import type { Result } from "../../../shared/result.ts";
import { err, ok } from "../../../shared/result.ts";
import {
  applicationCommand,
  decodeDeviceId,
  formatGuid,
} from "../../../shared/wire/ipmi/application-commands.ts";
import {
  bootParameter,
  bootSelector,
  chassisCommand,
  chassisControl,
  decodeChassisStatus,
  encodeBootFlags,
  keepBootFlags,
} from "../../../shared/wire/ipmi/chassis-commands.ts";
import { completionCode } from "../../../shared/wire/ipmi/completion-codes.table.ts";
import { netFn } from "../../../shared/wire/ipmi/message.ts";
import type { IpmiResponse } from "../../../shared/wire/ipmi/message.ts";
import type { Log } from "../../ports.ts";
import type {
  Bmc,
  BmcErrorKind,
  BootDeviceRequest,
  PowerAction,
  PowerReading,
  SendFence,
} from "../port.ts";
import { completionError } from "./completion-error.ts";
import type { EndpointCommand, IpmiCredentials, IpmiEndpoint } from "./ipmi-endpoint.ts";
import type { IpmiQuirks } from "./quirks.table.ts";

const nothing = new Uint8Array();

const readCommands = {
  deviceId: application(applicationCommand.getDeviceId, "read the device id"),
  systemGuid: application(applicationCommand.getSystemGuid, "read the system GUID"),
  chassisStatus: chassis(chassisCommand.getStatus, "read the power state", nothing),
} as const;

/** @param name host:port, for messages */
export function makeIpmiBmc(
  endpoint: IpmiEndpoint,
  credentials: IpmiCredentials,
  context: { readonly name: string; readonly log: Log; readonly fence?: SendFence | undefined },
): Bmc {
  const { name, fence } = context;

  /** A completion code that is not 00h is an error here. */
  async function run(command: EndpointCommand): Promise<Result<IpmiResponse, BmcErrorKind>> {
    const answer = await endpoint.command(credentials, command);
    if (!answer.ok || answer.value.completionCode === completionCode.ok) return answer;
    return { ok: false, error: completionError(name, command, answer.value.completionCode) };
  }

  async function readPower(): Promise<Result<PowerReading, BmcErrorKind>> {
    const answer = await run(readCommands.chassisStatus);
    if (!answer.ok) return answer;
    const status = decodeChassisStatus(answer.value.data);
    if (status === undefined) return malformed(name, readCommands.chassisStatus.what);
    const { powerOn: on } = status;
    return ok({ on, doubtful: endpoint.toldPower.isDoubtful(on) });
  }

  const power = { endpoint, credentials, name, fence, readPower };
  return {
    readPower,

    async identify() {
      const answer = await run(readCommands.deviceId);
      if (!answer.ok) return answer;
      const device = decodeDeviceId(answer.value.data);
      if (device === undefined) return malformed(name, readCommands.deviceId.what);
      const guidAnswer = await run(readCommands.systemGuid);
      const guid = guidAnswer.ok ? formatGuid(guidAnswer.value.data) : undefined;
      const minor = String(device.firmwareMinor).padStart(2, "0");
      return ok({
        protocol: "ipmi",
        manufacturerId: device.manufacturerId,
        productId: device.productId,
        firmware: `${device.firmwareMajor}.${minor}`,
        ...(guid === undefined ? {} : { guid }),
      });
    },

    sendPower: (action) => endpoint.exclusive(() => sendPower(action, power)),

    setBootDevice: (request) =>
      endpoint.exclusive(async () => {
        const quirks = await endpoint.quirks(credentials);
        if (!quirks.ok) return quirks;
        if (quirks.value.keepsBootFlags) {
          const keep = setBootOption(bootParameter.flagValidClearing, keepBootFlags);
          const kept = await run({ ...keep, fence });
          // Only a lengthening of the time in which the flags hold, so no reason to stop.
          if (!kept.ok && kept.error.kind === "unreachable") return kept;
          if (!kept.ok) {
            const { message } = kept.error;
            context.log.warn("BMC may forget the boot device after 60 s", { bmc: name, message });
          }
        }
        const set = await run({ ...bootFlagsCommand(request, quirks.value), fence });
        return set.ok ? ok(undefined) : set;
      }),
  };
}

interface PowerContext {
  readonly endpoint: IpmiEndpoint;
  readonly credentials: IpmiCredentials;
  readonly name: string;
  readonly fence: SendFence | undefined;
  readPower(): Promise<Result<PowerReading, BmcErrorKind>>;
}

async function sendPower(
  action: PowerAction,
  context: PowerContext,
): Promise<Result<void, BmcErrorKind>> {
  context.endpoint.toldPower.tell(action);
  const command = { ...powerCommand(action), fence: context.fence };
  if (command.repeatable) return act(command, action, context);
  // Proves the session, so that a forgotten one is not taken for a lost answer, and tells what cannot work.
  const power = await context.readPower();
  if (!power.ok) return power;
  if (action === "cycle" && !power.value.on) {
    // Many BMCs refuse to cycle a host that is off. Off comes first: the reading may be an old one.
    const off = await sendPower("off", context);
    return off.ok ? sendPower("on", context) : off;
  }
  if (action === "soft" && !power.value.on) return ok(undefined);
  return act(command, action, context);
}

async function act(
  command: EndpointCommand,
  action: PowerAction,
  context: PowerContext,
): Promise<Result<void, BmcErrorKind>> {
  const answer = await context.endpoint.command(context.credentials, command);
  if (!answer.ok) {
    const unanswered = answer.error.kind === "unreachable" && !command.repeatable;
    return unanswered ? afterSilence(action, context, answer.error.message) : answer;
  }
  const { completionCode: code } = answer.value;
  if (code === completionCode.ok) return ok(undefined);
  const failure = completionError(context.name, command, code);
  if (code !== completionCode.notInThisState) return { ok: false, error: failure };
  return (await isAsWanted(action, context)) ? ok(undefined) : { ok: false, error: failure };
}

/** The command may have been carried out or not, and must not be sent anew: look instead. */
async function afterSilence(
  action: PowerAction,
  context: PowerContext,
  silence: string,
): Promise<Result<void, BmcErrorKind>> {
  const power = await context.readPower();
  if (!power.ok) return power;
  if (action === "soft" && !power.value.on) return ok(undefined);
  return err(
    "unreachable",
    `${silence}; the power is ${power.value.on ? "on" : "off"} now:` +
      " find out whether the host restarted before sending it again",
  );
}

/** D5h after on, off or soft mostly means "it is so already". */
async function isAsWanted(action: PowerAction, context: PowerContext): Promise<boolean> {
  if (action === "reset" || action === "cycle") return false;
  const power = await context.readPower();
  return power.ok && power.value.on === (action === "on");
}

function powerCommand(action: PowerAction): EndpointCommand {
  return {
    ...chassis(chassisCommand.control, `power ${action}`, Uint8Array.of(chassisControl[action])),
    repeatable: action === "on" || action === "off",
  };
}

function bootFlagsCommand(request: BootDeviceRequest, quirks: IpmiQuirks): EndpointCommand {
  const disk = request.uefi ? quirks.uefiDiskSelector : bootSelector.disk;
  const selector = { none: bootSelector.none, pxe: bootSelector.pxe, disk }[request.device];
  const { persistent, uefi } = request;
  const flags = encodeBootFlags({ valid: true, persistent, uefi, selector });
  return setBootOption(bootParameter.flags, ...flags);
}

function setBootOption(parameter: number, ...data: readonly number[]): EndpointCommand {
  const what = parameter === bootParameter.flags ? "set the boot device" : "keep the boot device";
  return chassis(chassisCommand.setBootOptions, what, Uint8Array.of(parameter, ...data));
}

function application(command: number, what: string): EndpointCommand {
  return { netFn: netFn.application, command, data: nothing, what, repeatable: true };
}

function chassis(command: number, what: string, data: Uint8Array): EndpointCommand {
  return { netFn: netFn.chassis, command, data, what, repeatable: true };
}

function malformed(name: string, what: string): Result<never, BmcErrorKind> {
  return err("refused", `BMC ${name} gave too short an answer: ${what}; update its firmware`);
}
