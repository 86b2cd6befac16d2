// Where everything that the world saw goes: numbered, into the hash of the run, to whoever listens, and, when
// asked for, into the trace.
import type { Kernel } from "../kernel/kernel.ts";
import type { Happened, WorldEvent } from "../world/events.ts";

export interface Recorder {
  tell(happened: Happened): void;
  /** Told of everything from now on. */
  listen(onEvent: (event: WorldEvent) => void): void;
  readonly trace: readonly WorldEvent[];
}

export function makeRecorder(kernel: Kernel, keepsTrace: boolean): Recorder {
  const trace: WorldEvent[] = [];
  let number = 0;
  let listener: ((event: WorldEvent) => void) | undefined;
  return {
    trace,
    tell(happened) {
      number += 1;
      const event: WorldEvent = { ...happened, atMs: kernel.nowMs(), number };
      kernel.note(noteOf(event));
      if (keepsTrace) trace.push(event);
      listener?.(event);
    },
    listen(onEvent) {
      listener = onEvent;
    },
  };
}

type Plain = string | number | boolean | undefined;

/** One line, without objects: what a different run would differ in. */
function noteOf(event: WorldEvent): string {
  let note: string = event.kind;
  for (const field in event) {
    const value = event[field as keyof WorldEvent] as Plain | object;
    if (typeof value !== "object" && field !== "kind") note += ` ${value}`;
  }
  return event.kind === "object" ? `${note} ${event.after.metadata.resourceVersion}` : note;
}
