// What operations may ask of the ramdisks that are up: expect one, wait for it, run a step on it.
import type {
  DiskIdentity,
  MachineIdentity,
  Progress,
  RamdiskStep,
  StepFailure,
  StepOutcome,
} from "../../shared/protocol/ramdisk.ts";
import type { Result } from "../../shared/result.ts";

export interface MayDestroyQuestion {
  readonly identity: MachineIdentity;
  readonly disks: readonly DiskIdentity[];
}
export type MayDestroyAnswer =
  | { readonly go: true }
  | { readonly go: false; readonly reason: string };

export interface RunOptions {
  readonly operationId: string;
  readonly operationToken: string;
  /**
   * Asked by a step that destroys, right before its first destroyed byte; asked anew when the connection broke
   * before the answer was there.
   */
  mayDestroy(question: MayDestroyQuestion): Promise<MayDestroyAnswer>;
  onProgress(progress: Progress): void;
  readonly signal: AbortSignal;
}

/** "lost": the ramdisk went silent and did not come back in time. */
export type RunFailure =
  | StepFailure
  | { readonly kind: "lost"; readonly message: string; readonly destroyed: boolean };

export type StepResult =
  | { readonly ok: true; readonly outcome: StepOutcome }
  | { readonly ok: false; readonly failure: RunFailure };

export interface RamdiskSession {
  readonly hostUid: string;
  readonly identity: MachineIdentity;
  readonly connectedAtMs: number;
  alive(): boolean;
  run(step: RamdiskStep, options: RunOptions): Promise<StepResult>;
}

export interface RamdiskSessions {
  /** A ramdisk with this boot token, on a machine with this MAC, will be this host's. Ends an older one. */
  expect(boot: {
    readonly hostUid: string;
    readonly mac: string;
    readonly bootToken: string;
  }): void;
  forget(hostUid: string): void;
  /** The live session, if any. */
  session(hostUid: string): RamdiskSession | undefined;
  waitFor(
    hostUid: string,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Result<RamdiskSession, "timeout" | "cancelled">>;
}
