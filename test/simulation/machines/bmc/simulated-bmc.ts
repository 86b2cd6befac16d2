// The BMC of a simulated machine: the real RMCP+ bytes of the BMC simulator behind a wire that delays, loses and
// repeats, with what is odd about it. Switches the metal that its cable leads to. What is odd is told by the knobs in
// bmc-faults.ts and quirks.table.ts.
import type {
  Chassis,
  ChassisAction,
  ChassisBoot,
} from "../../../../infra/lab/bmc-simulator/chassis.ts";
import { noFaults } from "../../../../infra/lab/bmc-simulator/faults.ts";
import type { Faults } from "../../../../infra/lab/bmc-simulator/faults.ts";
import { startBmcSimulator } from "../../../../infra/lab/bmc-simulator/simulator.ts";
import type { BmcSimulator } from "../../../../infra/lab/bmc-simulator/simulator.ts";
import { ok } from "../../../../shared/result.ts";
import { bootSelector } from "../../../../shared/wire/ipmi/chassis-commands.ts";
import type { Crypto, Udp, UdpAddress } from "../../../../site-agent/ports.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Random } from "../../kernel/random.ts";
import type { Happened, Place } from "../../world/events.ts";
import { noBmcFaults } from "./bmc-faults.ts";
import type { BmcFaults } from "./bmc-faults.ts";
import { BmcLogins } from "./bmc-logins.ts";
import type { LoginTrials } from "./login-trials.ts";
import type { Metal } from "../metal.ts";
import type { Quirk } from "../quirks.table.ts";

export interface BmcOptions {
  /** The machine's, for events. */
  readonly name: string;
  readonly kernel: Kernel;
  readonly random: Random;
  readonly tell: (happened: Happened) => void;
  readonly udp: Udp;
  /** As "10.1.0.11:623". */
  readonly address: string;
  readonly crypto: Crypto;
  readonly guid: string;
  readonly suite: 3 | 17;
  readonly user: string;
  readonly password: string;
  readonly quirk: Quirk;
  readonly agentOf: (from: UdpAddress) => string | undefined;
  readonly trials: LoginTrials | undefined;
}

const places: Readonly<Record<number, Place | "none">> = {
  [bootSelector.none]: "none",
  [bootSelector.pxe]: "network",
  [bootSelector.disk]: "disk",
};

export async function startSimulatedBmc(options: BmcOptions, metal: Metal): Promise<SimulatedBmc> {
  const bmc = new SimulatedBmc(options, metal);
  await bmc.start();
  return bmc;
}

export class SimulatedBmc implements Chassis {
  readonly address: string;
  readonly logins: BmcLogins;
  /** Where its cable leads. */
  metal: Metal;
  readonly #options: BmcOptions;
  #simulator: BmcSimulator | undefined;
  #faults: Faults & BmcFaults = { ...noFaults(), ...noBmcFaults() };
  #awayUntilMs = 0;
  #seen: { readonly on: boolean; readonly atMs: number } | undefined;
  #powerCommands = 0;
  #bootDevices = 0;

  constructor(options: BmcOptions, metal: Metal) {
    this.#options = options;
    this.address = options.address;
    this.metal = metal;
    this.logins = new BmcLogins(options);
  }

  async start(): Promise<void> {
    const { address, crypto, guid, suite, quirk, kernel } = this.#options;
    const [host = "", port = ""] = address.split(":");
    const { sessions } = quirk;
    this.#simulator = await startBmcSimulator({
      address: host,
      port: Number(port),
      users: this.logins.users,
      guid,
      chassis: this,
      suites: [suite],
      logins: this.logins,
      ...(sessions === undefined
        ? {}
        : { sessionLimit: sessions.limit, sessionIdleMs: sessions.idleMs }),
      ports: {
        udp: { bind: (asked) => this.#bind(asked) },
        clock: {
          nowMs: () => kernel.nowMs(),
          monotonicMs: () => kernel.nowMs(),
          sleep: (ms, signal) => kernel.sleep(ms, signal),
          timer: (ms, run) => kernel.timer(ms, run),
        },
        crypto,
      },
    });
    this.#faults = Object.assign(this.#simulator.faults, noBmcFaults());
    this.heal("personality");
    this.#restartSoon();
  }

  /** Knobs; may be turned while it runs. */
  get faults(): BmcFaults {
    return this.#faults;
  }

  get openSessions(): number {
    return this.#simulator?.openSessions() ?? 0;
  }

  /** All knobs as its personality has them, or as an honest BMC has. */
  heal(to: "personality" | "honest"): void {
    const odd = to === "honest" ? {} : this.#options.quirk.faults;
    Object.assign(this.#faults, noBmcFaults(), odd);
  }

  /** Returns its number. Some end the sessions that began with an older one. */
  changePassword(password: string): number {
    const number = this.logins.changePassword(password);
    const { random } = this.#options;
    if (random.split("ends sessions of an old password").chance(0.5)) this.#simulator?.restart();
    return number;
  }

  /** Sessions and what it remembered are gone; nobody is there meanwhile. */
  restart(awayMs: number): void {
    this.#awayUntilMs = Math.max(this.#awayUntilMs, this.#options.kernel.nowMs() + awayMs);
    this.#seen = undefined;
    this.#simulator?.restart();
  }

  async power(): Promise<{ readonly on: boolean }> {
    const nowMs = this.#options.kernel.nowMs();
    const seen = this.#seen;
    if (seen !== undefined && nowMs - seen.atMs < this.#faults.cachedPowerMs) return seen;
    this.#seen = { on: this.metal.on, atMs: nowMs };
    return this.#seen;
  }

  async set(action: ChassisAction, by?: UdpAddress): Promise<void> {
    const { forgetsPowerEvery: every, deafInPost } = this.#faults;
    this.#powerCommands += 1;
    const forgotten = this.#faults.forgetsPower > 0;
    if (forgotten) this.#faults.forgetsPower -= 1;
    const done =
      !forgotten &&
      !(every > 0 && this.#powerCommands % every === 0) &&
      !(deafInPost && this.metal.running === "firmware" && action !== "off");
    this.#told(action, done, by);
    if (done) this.metal.command(action, "bmc");
  }

  refused(action: ChassisAction, by: UdpAddress): void {
    this.#told(action, false, by);
  }

  async bootDevice({ selector, persistent }: ChassisBoot, by?: UdpAddress): Promise<void> {
    const { forgetsBootDeviceEvery: every } = this.#faults;
    const place = places[selector] ?? "other";
    this.#options.tell({
      kind: "boot-device",
      machine: this.metal.name,
      place,
      once: !persistent,
      agent: this.#agentOf(by),
    });
    // What the BMC takes back by itself it does take back.
    if (by !== undefined) {
      this.#bootDevices += 1;
      const forgotten = this.#faults.forgetsBootDevice > 0;
      if (forgotten) this.#faults.forgetsBootDevice -= 1;
      if (forgotten || (every > 0 && this.#bootDevices % every === 0)) return;
    }
    const isPlace = place === "disk" || place === "network";
    this.metal.override = isPlace ? { place, once: !persistent } : undefined;
  }

  #told(action: ChassisAction, done: boolean, by: UdpAddress | undefined): void {
    const agent = this.#agentOf(by);
    this.#options.tell({ kind: "power-command", machine: this.metal.name, action, agent, done });
  }

  #agentOf(by: UdpAddress | undefined): string | undefined {
    return by === undefined ? undefined : this.#options.agentOf(by);
  }

  /** The wire: packets that come or go may be late, lost or doubled. */
  async #bind(asked: Parameters<Udp["bind"]>[0]): ReturnType<Udp["bind"]> {
    const { udp, kernel } = this.#options;
    const random = this.#options.random.split("wire");
    const copies = (): number => (random.chance(this.#faults.repeatChance) ? 2 : 1);
    const bound = await udp.bind({
      ...asked,
      onMessage: (data, from) => {
        for (let left = copies(); left > 0; left -= 1) {
          if (this.#isDeaf() || random.chance(this.#faults.lossChance)) continue;
          asked.onMessage(data, from);
        }
      },
    });
    if (!bound.ok) return bound;
    return ok({
      local: bound.value.local,
      send: (data, to) => {
        for (let left = copies(); left > 0; left -= 1) {
          if (random.chance(this.#faults.lossChance)) continue;
          const [from, until] = this.#faults.delayMs;
          kernel.timer(random.between(from, until), () => {
            if (!this.#isDeaf()) bound.value.send(data, to);
          });
        }
      },
      close: () => bound.value.close(),
    });
  }

  #isDeaf(): boolean {
    const nowMs = this.#options.kernel.nowMs();
    const { hangs, flapMs } = this.#faults;
    if (hangs || nowMs < this.#awayUntilMs || !this.metal.hasMains) return true;
    return flapMs > 0 && Math.floor(nowMs / flapMs) % 2 === 1;
  }

  /** A BMC that starts anew by itself. */
  #restartSoon(): void {
    const { quirk, kernel } = this.#options;
    if (quirk.restarts === undefined) return;
    const random = this.#options.random.split("restarts");
    const { everyMs, lastsMs } = quirk.restarts;
    const again = (): void => {
      kernel.timer(random.between(everyMs / 2, (everyMs * 3) / 2), () => {
        this.restart(random.between(...lastsMs));
        again();
      });
    };
    again();
  }
}
