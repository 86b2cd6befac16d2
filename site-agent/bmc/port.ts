// What an operation may ask of a BMC, whatever protocol is behind it. No retry policy here: an error
// kind says which one applies.
import type { Failure, Result } from "../../shared/result.ts";

export type BmcErrorKind =
  | "address" // the address cannot be used; wait for a changed one
  | "unreachable" // nothing answers
  | "credentials" // the BMC refuses user or password; wait for a changed Secret
  | "login-budget" // two logins failed with these credentials; nothing more is sent until the window ends
  | "privilege" // logged in, but may not do this
  | "busy" // the BMC says: later
  | "unsupported" // the BMC cannot do this
  | "refused" // a completion code that is none of the above
  | "no-effect" // accepted, but reading back shows that nothing happened
  | LeftAlone;

/** What would have changed the machine was not sent: whoever asked for it may not have it any more. */
export type LeftAlone = "cancelled" | "expired" | "fenced";

/**
 * Asked right before each packet that changes the machine, whatever was waited for before: a queue, a slow login, an
 * answer. Undefined: it may be sent.
 */
export type SendFence = () => Failure<LeftAlone> | undefined;

export type BootDevice = "none" | "pxe" | "disk";

export interface BootDeviceRequest {
  readonly device: BootDevice;
  readonly persistent: boolean;
  readonly uefi: boolean;
}

export interface BmcIdentity {
  /** "ipmi" now; "redfish" later. */
  readonly protocol: string;
  readonly manufacturerId: number;
  readonly productId: number;
  readonly firmware: string;
  /** SMBIOS UUID as the BMC tells it, when it does; byte order is not to be trusted. */
  readonly guid?: string;
}

export interface PowerReading {
  readonly on: boolean;
  /** Against what this BMC was told just now: it may be from before. */
  readonly doubtful: boolean;
}

export type PowerAction = "on" | "off" | "cycle" | "reset" | "soft";

/** One physical BMC. Mutating calls are queued one at a time; every method may take seconds. */
export interface Bmc {
  identify(): Promise<Result<BmcIdentity, BmcErrorKind>>;
  readPower(): Promise<Result<PowerReading, BmcErrorKind>>;
  /** Sends one action. "Accepted" is no evidence: callers read the power back. */
  sendPower(action: PowerAction): Promise<Result<void, BmcErrorKind>>;
  setBootDevice(request: BootDeviceRequest): Promise<Result<void, BmcErrorKind>>;
}

export interface BmcAccess {
  /** spec.bmc.address as written. */
  readonly address: string;
  readonly username: string;
  readonly password: string;
  /** The Secret's resourceVersion: a new one ends the session and logs in anew. */
  readonly credentialsVersion: string;
}

export interface BmcFleet {
  /** The same physical BMC gives the same queue and session, whichever host asks. */
  bmc(access: BmcAccess, fence?: SendFence): Result<Bmc, "address">;
  /** Closes sessions. */
  close(): Promise<void>;
}
