// A virtual clock that also waits for work on other threads: ciphers of the platform take real time that virtual
// time must not see. Their results arrive one virtual millisecond later, whatever the machine is doing, so that
// every run has the same order.
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { VirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";

export interface SimulatedTime {
  readonly clock: VirtualClock;
  /** Starts the work now; the promise settles one virtual millisecond later. */
  real<T>(work: () => Promise<T>): Promise<T>;
}

export function makeSimulatedTime(startMs: number): SimulatedTime {
  let running = 0;
  const oneTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const clock = makeVirtualClock(startMs, async () => {
    do await oneTurn();
    while (running > 0);
  });
  const outcomeOf = async <T>(work: () => Promise<T>): Promise<() => T> => {
    running += 1;
    try {
      const value = await work();
      return () => value;
    } catch (thrown) {
      return () => {
        throw thrown;
      };
    } finally {
      running -= 1;
    }
  };
  return {
    clock,
    async real(work) {
      const outcome = outcomeOf(work);
      await clock.sleep(1);
      return (await outcome)();
    },
  };
}
