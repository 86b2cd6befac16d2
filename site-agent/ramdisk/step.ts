// What a step gets and gives. Steps know nothing of the connection to the agent.
import type {
  DiskIdentity,
  Progress,
  StepFailure,
  StepOutcome,
} from "../../shared/protocol/ramdisk.ts";
import type { Result } from "../../shared/result.ts";
import type { RamdiskPorts } from "./ports.ts";

export type OutcomeOf<K extends StepOutcome["kind"]> = Extract<StepOutcome, { kind: K }>;

export type StepResult<O extends StepOutcome = StepOutcome> =
  | { readonly ok: true; readonly value: O }
  | { readonly ok: false; readonly error: StepFailure };

export interface BootParameters {
  /** https://IP:PORT of the agent. */
  readonly agentUrl: string;
  /** SHA-256 of the agent's TLS certificate (DER), hex. */
  readonly fingerprint: string;
  readonly bootToken: string;
  /** Lower case, colons. */
  readonly bootMac: string;
}

export interface StepContext {
  readonly ports: RamdiskPorts;
  readonly boot: BootParameters;
  readonly operationToken: string;
  /** Aborted when the agent cancels. */
  readonly signal: AbortSignal;
  onProgress(progress: Progress): void;
  /**
   * The question at the point of no return, about this machine and these disks. Waits for the agent however
   * long it is away; only `ok` lets anything be destroyed.
   */
  mayDestroy(disks: readonly DiskIdentity[]): Promise<Result<void, "refused" | "cancelled">>;
}

/** A step's failure; `message` is cut to what the protocol carries. */
export function stepError(
  kind: StepFailure["kind"],
  message: string,
  destroyed: boolean,
): { readonly ok: false; readonly error: StepFailure } {
  return { ok: false, error: { kind, message: message.slice(0, 2048), destroyed } };
}
