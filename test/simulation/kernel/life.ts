// One incarnation of a process: control plane instance, agent, ramdisk. From the moment of its end no call that it
// made comes back, no timer of it fires, and whatever it still tries throws `Ended`: nothing of it acts on the world
// any more, as after kill -9. What it had stored durably is the world's business.
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
  /** An asynchronous call of a port: made and answered only while it lives. `what` as "disk.write". */
  call<T>(what: string, run: () => Promise<T>): Promise<T>;
  /** A synchronous one. */
  callNow<T>(what: string, run: () => T): T;
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

export function makeLife({ kernel, name, incarnation, onCall, skewMs }: LifeOptions): Life {
  const death = new AbortController();
  const { signal } = death;
  const startedMs = kernel.nowMs();
  const never = new Promise<never>(() => {});
  const life: Life = {
    name,
    incarnation,
    signal,
    get alive() {
      return !signal.aborted;
    },
    end: () => death.abort(),
    call(what, run) {
      if (signal.aborted) return never;
      onCall?.(life, what, "before");
      if (signal.aborted) return never;
      return new Promise((resolve, reject) => {
        const settle = (then: () => void): void => {
          if (signal.aborted) return;
          onCall?.(life, what, "after");
          if (!signal.aborted) then();
        };
        run().then(
          (value) => settle(() => resolve(value)),
          (thrown: unknown) => settle(() => reject(thrown as Error)),
        );
      });
    },
    callNow(what, run) {
      const check = (when: "before" | "after"): void => {
        if (!signal.aborted) onCall?.(life, what, when);
        if (signal.aborted) throw new Ended(`${name} has ended`);
      };
      check("before");
      const value = run();
      check("after");
      return value;
    },
    clock: {
      nowMs: () => kernel.nowMs() + (skewMs?.() ?? 0),
      monotonicMs: () => kernel.nowMs() - startedMs,
      sleep: (ms, cancelled) =>
        new Promise((resolve) => {
          if (signal.aborted) return;
          void kernel.sleep(ms, cancelled).then(() => {
            if (!signal.aborted) resolve();
          });
        }),
      timer(ms, run) {
        return kernel.timer(ms, () => {
          if (!signal.aborted) run();
        });
      },
    },
  };
  return life;
}
