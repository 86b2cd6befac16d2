// One direction between a machine and its network in virtual time. A way is one connection's share of it: in order,
// each message after a delay of its own.
import type { Kernel } from "../kernel/kernel.ts";
import type { Random } from "../kernel/random.ts";

/** A delay from `minMs` to `minMs + jitterMs`, drawn for each message. */
export interface Delay {
  readonly minMs: number;
  readonly jitterMs: number;
}

/** May change at any time; shared by all lanes of one network. */
export interface Conditions {
  delay: Delay;
  /** Of each packet, to be lost. A stream is late by it, as the packet is sent again. */
  loss: number;
}

/** What a lost piece of a stream costs: its sender has to notice. */
const lossCostMs = { from: 200, to: 1_000 };
/** So often a sender tries again while nothing passes. */
const tryAgainMs = 1_000;

export class Lane {
  /** Of streams nothing passes until it is no more; then all of it does. */
  isDown = false;
  readonly #kernel: Kernel;
  readonly #delays: Random;
  readonly #losses: Random;
  readonly #conditions: Conditions;

  constructor(kernel: Kernel, random: Random, conditions: Conditions) {
    this.#kernel = kernel;
    this.#delays = random.split("delays");
    this.#losses = random.split("losses");
    this.#conditions = conditions;
  }

  /** Until a datagram arrives that is sent now. */
  drawMs(): number {
    const { delay } = this.#conditions;
    return delay.minMs + this.#delays.below(delay.jitterMs + 1);
  }

  /** Whether a packet is lost. */
  drawLoss(): boolean {
    const { loss } = this.#conditions;
    return loss > 0 && this.#losses.chance(loss);
  }

  /** Until a piece of a stream arrives that is sent now. */
  drawStreamMs(): number {
    const lateMs = this.drawLoss() ? this.#losses.between(lossCostMs.from, lossCostMs.to) : 0;
    return this.drawMs() + lateMs;
  }

  way(): Way {
    return new Way(this.#kernel, this);
  }
}

export class Way {
  readonly #kernel: Kernel;
  readonly #lane: Lane;
  /** What has come to where nothing passes. */
  readonly #held: (() => void)[] = [];
  #lastAtMs = 0;
  #isCut = false;

  constructor(kernel: Kernel, lane: Lane) {
    this.#kernel = kernel;
    this.#lane = lane;
  }

  /** Runs it at the other end, after all that was given before. */
  carry(run: () => void): void {
    if (this.#isCut) return;
    const nowMs = this.#kernel.nowMs();
    this.#lastAtMs = Math.max(nowMs + this.#lane.drawStreamMs(), this.#lastAtMs);
    this.#kernel.ordered(this.#lastAtMs - nowMs, () => {
      if (this.#held.length === 0 && !this.#lane.isDown) return this.#pass(run);
      this.#held.push(run);
      if (this.#held.length === 1) this.#tryAgain();
    });
  }

  /** Nothing arrives any more, also of what is on the way. */
  cut(): void {
    this.#isCut = true;
  }

  #pass(run: () => void): void {
    if (!this.#isCut) run();
  }

  #tryAgain(): void {
    if (this.#isCut) return;
    this.#kernel.ordered(tryAgainMs, () => {
      if (this.#lane.isDown) this.#tryAgain();
      else for (const run of this.#held.splice(0)) this.#pass(run);
    });
  }
}
