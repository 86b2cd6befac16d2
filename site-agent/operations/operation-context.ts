// What every operation gets: its order, the newest document, the parts of the site, and a way to fail.
import type { HostDocument } from "../../shared/protocol/host-document.ts";
import type {
  Operation,
  OperationErrorKind,
  OperationPayload,
  OperationResult,
} from "../../shared/protocol/operation.ts";
import type { Progress } from "../../shared/protocol/ramdisk.ts";
import type { SealedSecret } from "../../shared/protocol/facts/sealed-secret.ts";
import type { Result } from "../../shared/result.ts";
import type { BmcFleet, SendFence } from "../bmc/port.ts";
import type { Images } from "../imaging/port.ts";
import type { JournalEntry } from "../link/journal.ts";
import type { Fences, Received, Refusal } from "../link/fences.ts";
import type { Netboot } from "../netboot/port.ts";
import type { Clock, Crypto, Log } from "../ports.ts";
import type { RamdiskSessions } from "../sessions/port.ts";
import type { SecretUse } from "./steps/open-secret.ts";

export interface Bounds {
  /** From power-on until the ramdisk has called. */
  readonly bootMs: number;
  readonly powerMs: number;
  readonly softPowerOffMs: number;
  readonly powerPollMs: number;
}

/** The parts of the site that operations work with. */
export interface Site {
  readonly bmcs: BmcFleet;
  readonly netboot: Netboot;
  readonly sessions: RamdiskSessions;
  readonly images: Images;
  readonly fences: Fences;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly bounds: Bounds;
  /** Upper bound of one host's write speed; 0: none. */
  readonly writeBytesPerSecond: number;
  /** Opens a secret that was sealed to this site; the error says which and why. */
  openSecret(sealed: SealedSecret, use: SecretUse): Promise<Result<Uint8Array, "secret">>;
  /** Random, of this process: tells credentials apart without giving them away. */
  readonly credentialsKey: Uint8Array;
  /** Where a ramdisk finds the agent: kernel parameters farrier.agent and farrier.fingerprint. */
  readonly ramdiskServer: { readonly url: string; readonly fingerprint: string };
  /** Makes an image's extent stream fetchable by the ramdisk that holds the token; the path to GET. */
  offerExtents(
    token: string,
    frames: () => AsyncIterable<Uint8Array>,
  ): { path: string; withdraw(): void };
}

/**
 * How far an operation has gone. fresh: nothing was done that matters · cut: it has cut the power · destroying:
 * past the point of no return of the disks.
 */
export type Depth = "fresh" | "cut" | "destroying";

export interface Strangers {
  /** MACs that asked to boot since, and that nobody allowed, but for those that were another tenant's host's meanwhile. */
  macs(): readonly string[];
  stop(): void;
}

export interface Context {
  readonly operation: Operation;
  readonly received: Received;
  /** The document as it was when the operation began; fences look at the newest themselves. */
  readonly document: HostDocument;
  readonly site: Site;
  readonly signal: AbortSignal;
  report(progress: Progress): void;
  depth(): Depth;
  /** This operation has cut the power of its host: it may go on to what comes after without a fresh word. */
  noteCut(): void;
  /** Given to the BMC: steps ask their fences before a command, and it may wait long until it is sent. */
  readonly sendFence: SendFence;
  /** Writes the point of no return into the journal; after it the operation may destroy. */
  passPointOfNoReturn(): void;
  /** The host's document as it is now; undefined: it is no longer this site's. */
  newest(): HostDocument | undefined;
  /** By the newest document: the host must never be switched off (spec.disablePowerOff). */
  keepsPower(): boolean;
  /** From now on, until it is stopped. */
  watchStrangers(): Strangers;
  /** What the journal holds of the host, newest first. */
  journaled(): readonly JournalEntry[];
  /** Since the operation's start. */
  elapsedMs(): number;
}

/** Thrown inside an operation, caught by the dispatcher only: the operation's failure. */
export class OperationError extends Error {
  readonly kind: OperationErrorKind;
  constructor(kind: OperationErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

export const givenUp = "The work was given up before it had destroyed anything.";

export function leftAlone({ message }: Pick<Refusal, "message">): string {
  return `The power was left alone: ${message}.`;
}

export function fail(kind: OperationErrorKind, message: string): never {
  throw new OperationError(kind, message);
}

/** The value, or the failure as this operation's. */
export function valueOf<T, K extends string>(
  result: Result<T, K>,
  kinds: Readonly<Record<K, OperationErrorKind>>,
): T {
  return result.ok ? result.value : fail(kinds[result.error.kind], result.error.message);
}

export type RunOperation<Kind extends OperationPayload["kind"]> = (
  context: Context,
  payload: Extract<OperationPayload, { kind: Kind }>,
) => Promise<Extract<OperationResult, { kind: Kind }>>;
