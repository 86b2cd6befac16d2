// One incarnation of a process: control plane instance, agent, ramdisk. From the moment of its end no call that it
// made comes back, no timer of it fires, nothing reaches it, and whatever it still tries throws `Ended`: nothing of it
// acts on the world any more, as after kill -9. What it had stored durably is the world's business.
import type { Clock } from "../../../site-agent/ports.ts";
import type { Kernel } from "./kernel.ts";

/** Thrown into code of an incarnation that has ended; whoever reports failures leaves it alone. */
export class Ended extends Error {}

export interface Life {
  /** As "agent:paddock". */
  readonly name: string;
  /** 1 for the first. */
  readonly incarnation: number;
  readonly signal: AbortSignal;
  readonly alive: boolean;
  /** Ends it at once. */
  end(): void;
  /** Stands still for so long, as a stopped process does: everything comes afterwards. */
  pause(ms: number): void;
  /** Ends its pause. */
  resume(): void;
  /** An asynchronous call of a port: made and answered only while it lives. `what` as "disk.write". */
  call<T>(what: string, run: () => Promise<T>): Promise<T>;
  /** A synchronous one. */
  callNow<T>(what: string, run: () => T): T;
  /** Something reaches it from outside: now, after its pause, or never. */
  arrive(run: () => void): void;
  readonly clock: Clock;
}

/** Told before and after each call of a port: may end the life there. */
export type CallHook = (life: Life, what: string, when: "before" | "after") => void;

export interface LifeOptions {
  readonly kernel: Kernel;
  readonly name: string;
  readonly incarnation: number;
  readonly onCall?: CallHook | undefined;
  /** What its wall clock shows too much, ms; asked at each reading. */
  readonly skewMs?: (() => number) | undefined;
}

const never = new Promise<never>(() => {});

export function makeLife(options: LifeOptions): Life {
  return new OneLife(options);
}

class OneLife implements Life {
  readonly name: string;
  readonly incarnation: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly #kernel: Kernel;
  readonly #onCall: CallHook | undefined;
  readonly #death = new AbortController();
  #awakeMs = 0;
  /** What has reached it in its pause. */
  #held: (() => void)[] = [];

  constructor({ kernel, name, incarnation, onCall, skewMs = () => 0 }: LifeOptions) {
    this.#kernel = kernel;
    this.#onCall = onCall;
    this.name = name;
    this.incarnation = incarnation;
    this.signal = this.#death.signal;
    const bornMs = kernel.nowMs();
    this.clock = {
      nowMs: () => kernel.nowMs() + skewMs(),
      monotonicMs: () => kernel.nowMs() - bornMs,
      sleep: (ms, cancelled) =>
        new Promise((resolve) => {
          void kernel.sleep(ms, cancelled).then(() => this.arrive(resolve));
        }),
      timer: (ms, run) => {
        let cancelled = false;
        const timer = kernel.timer(ms, () =>
          this.arrive(() => {
            if (!cancelled) run();
          }),
        );
        return {
          cancel() {
            cancelled = true;
            timer.cancel();
          },
        };
      },
    };
  }

  get alive(): boolean {
    return !this.signal.aborted;
  }

  end(): void {
    this.#death.abort();
  }

  pause(ms: number): void {
    this.#awakeMs = Math.max(this.#awakeMs, this.#kernel.nowMs() + ms);
    this.#kernel.ordered(ms, () => this.#goOn());
  }

  resume(): void {
    this.#awakeMs = 0;
    this.#goOn();
  }

  arrive(run: () => void): void {
    if (!this.alive) return;
    if (this.#isPaused() || this.#held.length > 0) this.#held.push(run);
    else run();
  }

  #isPaused(): boolean {
    return this.#awakeMs > this.#kernel.nowMs();
  }

  /** One after the other, each with what follows from it. */
  #goOn(): void {
    if (!this.alive || this.#isPaused()) return;
    const run = this.#held.shift();
    if (run === undefined) return;
    this.#kernel.ordered(0, () => this.#goOn());
    run();
  }

  call<T>(what: string, run: () => Promise<T>): Promise<T> {
    if (!this.#lives(what, "before")) return never;
    return new Promise((resolve, reject) => {
      const settle = (then: () => void): void => {
        if (this.#lives(what, "after")) this.arrive(then);
      };
      run().then(
        (value) => settle(() => resolve(value)),
        (thrown: unknown) => settle(() => reject(thrown as Error)),
      );
    });
  }

  callNow<T>(what: string, run: () => T): T {
    if (!this.#lives(what, "before")) throw new Ended(`${this.name} has ended`);
    const value = run();
    if (!this.#lives(what, "after")) throw new Ended(`${this.name} has ended`);
    return value;
  }

  #lives(what: string, when: "before" | "after"): boolean {
    if (this.alive) this.#onCall?.(this, what, when);
    return this.alive;
  }
}
