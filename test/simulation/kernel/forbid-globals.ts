// While a simulation runs, time, timers, randomness and network of the platform throw: whoever reaches past a port is
// found at the first call, with a stack. The kernel keeps its own setImmediate from before. AbortSignal.any is another.

const reached = (name: string) => (): never => {
  throw new Error(`${name} was reached past a port`);
};

/** Gives them back. */
export function forbidGlobals(): () => void {
  const undo: (() => void)[] = [];
  const replace = (holder: object, key: string, stub: unknown): void => {
    const was = Object.getOwnPropertyDescriptor(holder, key);
    if (was === undefined) return;
    Object.defineProperty(holder, key, { ...plain, value: stub });
    undo.push(() => Object.defineProperty(holder, key, was));
  };
  const timers = ["setTimeout", "setInterval", "setImmediate", "fetch", "WebSocket"];
  for (const name of timers) replace(globalThis, name, reached(name));
  replace(globalThis, "Date", dateWithoutNow());
  replace(Math, "random", reached("Math.random"));
  replace(AbortSignal, "timeout", reached("AbortSignal.timeout"));
  replace(AbortSignal, "any", anyOf);
  replace(globalThis, "crypto", throwing("crypto"));
  replace(globalThis, "performance", throwing("performance"));
  return () => {
    for (const each of undo.toReversed()) each();
  };
}

/**
 * The platform's is kept, while somebody listens, until it aborts, with everything that the listener reaches. That of a
 * killed process never does: each run would leave a whole world behind.
 */
function anyOf(signals: readonly AbortSignal[]): AbortSignal {
  const any = new AbortController();
  for (const signal of signals) {
    const end = (): void => any.abort(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  }
  return any.signal;
}

const plain = { configurable: true, enumerable: false, writable: true };

/** A Date of a given moment is arithmetic; "now" is the world. */
function dateWithoutNow(): DateConstructor {
  return new Proxy(Date, {
    construct(target, given) {
      if (given.length === 0) return reached("new Date()")();
      return Reflect.construct(target, given) as object;
    },
    apply: reached("Date()"),
    get: (target, key, receiver) =>
      key === "now" ? reached("Date.now") : (Reflect.get(target, key, receiver) as unknown),
  });
}

function throwing(name: string): object {
  return new Proxy({}, { get: (_, key) => reached(`${name}.${String(key)}`)() });
}
