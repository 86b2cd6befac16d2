// Runs what the agent asks for, one step at a time, and remembers how the last one ended. A connection may
// come and go meanwhile: whatever the agent missed it gets by saying `run` again, which starts nothing twice.
import { fromRamdisk } from "../../shared/protocol/ramdisk.ts";
import type {
  DiskIdentity,
  FromRamdisk,
  Progress,
  StepFailure,
  ToRamdisk,
} from "../../shared/protocol/ramdisk.ts";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import { readIdentity } from "./inventory/read-identity.ts";
import type { RamdiskPorts } from "./ports.ts";
import { stepError } from "./step.ts";
import type { BootParameters, StepContext, StepResult } from "./step.ts";

type Run = Extract<ToRamdisk, { type: "run" }>;
type Answer = Result<void, "refused" | "cancelled">;

const progressPauseMs = 500;

interface Current {
  readonly run: Run;
  readonly controller: AbortController;
  /** Open until the agent answers. */
  question?: { readonly message: FromRamdisk; readonly answer: (answer: Answer) => void };
  /** The agent said go. */
  gone: boolean;
}

export interface RunnerOptions {
  readonly ports: RamdiskPorts;
  readonly boot: BootParameters;
  readonly send: (message: FromRamdisk) => void;
  /** The step itself. */
  readonly perform: (step: Run["step"], context: StepContext) => Promise<StepResult>;
  /** A step has ended and was reported. */
  readonly onEnd: (run: Run, result: StepResult) => void;
}

export class StepRunner {
  readonly #options: RunnerOptions;
  #current: Current | undefined;
  /** Starts when the current step, which is being cancelled for it, has ended. */
  #next: Run | undefined;
  #last: { readonly run: Run; readonly message: FromRamdisk } | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  handle(message: Exclude<ToRamdisk, { type: "ping" }>): void {
    switch (message.type) {
      case "run":
        this.#run(message);
        return;
      case "go":
        if (this.#current?.run.operationId === message.operationId) {
          this.#current.gone ||= this.#current.question !== undefined;
          this.#answer(message.operationId, ok(undefined));
        }
        return;
      case "refuse":
        this.#answer(message.operationId, err("refused", message.reason));
        return;
      case "cancel":
        this.#cancel(message.operationId);
    }
  }

  #run(run: Run): void {
    const { send } = this.#options;
    if (this.#current !== undefined && isSame(run, this.#current.run)) {
      if (this.#current.question !== undefined) send(this.#current.question.message);
    } else if (this.#last !== undefined && isSame(run, this.#last.run)) {
      send(this.#last.message);
    } else if (this.#current !== undefined) {
      // The agent runs one operation at a time on a host: it has given up the other one.
      this.#next = run;
      this.#cancel(this.#current.run.operationId);
    } else {
      void this.#perform(run);
    }
  }

  #cancel(operationId: string): void {
    if (this.#next?.operationId === operationId) this.#next = undefined;
    if (this.#current?.run.operationId !== operationId) return;
    this.#current.controller.abort();
    this.#answer(operationId, err("cancelled", "Cancelled before anything was destroyed"));
  }

  #answer(operationId: string, answer: Answer): void {
    const current = this.#current;
    if (current?.run.operationId !== operationId) return;
    const { question } = current;
    delete current.question;
    question?.answer(answer);
  }

  async #perform(run: Run): Promise<void> {
    const { ports, perform, send, onEnd } = this.#options;
    const { operationId } = run;
    const current: Current = { run, controller: new AbortController(), gone: false };
    this.#current = current;
    ports.log.info("step begins", { operation: operationId, step: run.step.kind });
    const result = await perform(run.step, this.#contextFor(current)).catch((error: unknown) => {
      const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
      ports.log.error("step broke", { operation: operationId, stack });
      const message = `The ramdisk program broke: ${String(error)}; its console says more`;
      return stepError("unsupported", message, current.gone);
    });
    const ended = describeEnd(result);
    ports.log.info("step ended", { operation: operationId, step: run.step.kind, ...ended });
    const message = finalMessage(operationId, result, current.gone);
    this.#last = { run, message };
    this.#current = undefined;
    send(message);
    onEnd(run, result);
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) await this.#perform(next);
  }

  #contextFor(current: Current): StepContext {
    const { ports, boot, send } = this.#options;
    const { operationId, operationToken } = current.run;
    const isDue = makeProgressLimit(() => ports.clock.monotonicMs());
    return {
      ports,
      boot,
      operationToken,
      signal: current.controller.signal,
      onProgress(progress) {
        if (isDue(progress)) send({ type: "progress", operationId, progress });
      },
      mayDestroy: (disks) => this.#ask(current, disks),
    };
  }

  async #ask(current: Current, disks: readonly DiskIdentity[]): Promise<Answer> {
    const { ports, boot, send } = this.#options;
    const identity = await readIdentity(ports.system, boot.bootMac);
    if (current.controller.signal.aborted) {
      return err("cancelled", "Cancelled before anything was destroyed");
    }
    const { operationId } = current.run;
    const message: FromRamdisk = { type: "may-destroy", operationId, identity, disks: [...disks] };
    return new Promise((resolve) => {
      current.question = { message, answer: resolve };
      send(message);
    });
  }
}

/** An operation runs each kind of step once. */
function isSame(a: Run, b: Run): boolean {
  return a.operationId === b.operationId && a.step.kind === b.step.kind;
}

/** What the agent would refuse to read it would be told again at every connection, for ever. */
function finalMessage(operationId: string, result: StepResult, gone: boolean): FromRamdisk {
  const message: FromRamdisk = result.ok
    ? { type: "done", operationId, outcome: result.value }
    : { type: "failed", operationId, failure: result.error };
  const checked = fromRamdisk.safeParse(message);
  if (checked.success) return message;
  const field = checked.error.issues[0]?.path.join(".") ?? "";
  const why = `The result of the step does not fit the protocol: field "${field}"`;
  return { type: "failed", operationId, failure: stepError("unsupported", why, gone).error };
}

function describeEnd(result: StepResult): {
  ok: boolean;
  error?: StepFailure["kind"];
  why?: string;
} {
  if (result.ok) return { ok: true };
  return { ok: false, error: result.error.kind, why: result.error.message };
}

/** A new kind of progress at once, more of the same every half second. */
function makeProgressLimit(nowMs: () => number): (progress: Progress) => boolean {
  let step = "";
  let sentAtMs = -Infinity;
  return (progress) => {
    if (progress.step === step && nowMs() - sentAtMs < progressPauseMs) return false;
    step = progress.step;
    sentAtMs = nowMs();
    return true;
  };
}
