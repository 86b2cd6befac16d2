// Wakes everybody who waits for "something has changed here". Carries nothing: who wakes looks for himself.

export interface Bell {
  ring(): void;
  /** Resolves at the next ring. */
  next(): Promise<void>;
}

export function makeBell(): Bell {
  let waiting = Promise.withResolvers<void>();
  return {
    ring() {
      const rung = waiting;
      waiting = Promise.withResolvers<void>();
      rung.resolve();
    },
    next: () => waiting.promise,
  };
}
