// The boot options of a simulated BMC (IPMI 2.0 sections 28.12 to 28.14). Boot flags become invalid
// 60 s after they were set unless a chassis control comes first, or parameter 3 says to keep them.
import {
  bootParameter,
  bootSelector,
  decodeBootFlags,
  encodeBootFlags,
  keepBootFlags,
} from "../../../shared/wire/ipmi/chassis-commands.ts";
import type { BootFlags } from "../../../shared/wire/ipmi/chassis-commands.ts";
import { completionCode } from "../../../shared/wire/ipmi/completion-codes.table.ts";
import type { Clock, Timer, UdpAddress } from "../../../site-agent/ports.ts";
import type { Chassis } from "./chassis.ts";
import type { Faults } from "./faults.ts";

const expiryMs = 60_000;
const noFlags: BootFlags = { valid: false, persistent: false, uefi: false, selector: 0 };

export interface BootOptions {
  /** `data` begins with the parameter number. Returns a completion code. */
  set(data: Uint8Array, by?: UdpAddress): Promise<number>;
  /** Undefined: no such parameter. Else version, parameter number and value. */
  get(data: Uint8Array): Uint8Array | undefined;
  /** A chassis control arrived: the flags no longer expire. */
  keep(): void;
  /** The machine starts: flags for one boot are used up. */
  useUp(): void;
  close(): void;
}

export function makeBootOptions(chassis: Chassis, clock: Clock, faults: Faults): BootOptions {
  let flags = noFlags;
  let timer: Timer | undefined;
  const raw = new Map<number, Uint8Array>([
    [bootParameter.setInProgress, Uint8Array.of(0)],
    [bootParameter.flagValidClearing, Uint8Array.of(0)],
    [bootParameter.infoAcknowledge, Uint8Array.of(0, 0)],
  ]);

  async function setFlags(value: Uint8Array, by?: UdpAddress): Promise<number> {
    const wanted = value.length < 5 ? undefined : decodeBootFlags(value);
    if (wanted === undefined) return completionCode.invalidLength;
    const { persistent, uefi } = wanted;
    const selector = wanted.valid ? wanted.selector : bootSelector.none;
    await chassis.bootDevice({ selector, persistent, uefi }, by);
    flags = wanted;
    timer?.cancel();
    const kept = ((raw.get(bootParameter.flagValidClearing)?.[0] ?? 0) & keepBootFlags) !== 0;
    if (wanted.valid && !kept) timer = clock.timer(expiryMs, expire);
    return completionCode.ok;
  }

  function expire(): void {
    flags = noFlags;
    chassis
      .bootDevice({ selector: bootSelector.none, persistent: false, uefi: false })
      // The machine is gone, and with it what was to be undone.
      .catch(() => {});
  }

  return {
    async set(data, by) {
      const parameter = (data[0] ?? 0) & 0x7f;
      const value = data.slice(1);
      if (faults.refusedBootParameters.includes(parameter)) {
        return completionCode.bootParameterUnsupported;
      }
      if (parameter === bootParameter.flags) return setFlags(value, by);
      if (!raw.has(parameter)) return completionCode.bootParameterUnsupported;
      raw.set(parameter, value);
      return completionCode.ok;
    },
    get(data) {
      const parameter = (data[0] ?? 0) & 0x7f;
      const shown = faults.hidesBootFlags ? { ...flags, valid: false } : flags;
      const value = parameter === bootParameter.flags ? encodeBootFlags(shown) : raw.get(parameter);
      return value === undefined ? undefined : Uint8Array.of(0x01, parameter, ...value);
    },
    keep() {
      timer?.cancel();
    },
    useUp() {
      if (!flags.persistent) flags = noFlags;
    },
    close() {
      timer?.cancel();
    },
  };
}
