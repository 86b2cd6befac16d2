// What the program on the host takes of the machine, beyond site-agent/ports.ts: the kernel's own files and
// the disks. The real ones are in adapters/; a simulated machine can take their place.
import type { Result } from "../../shared/result.ts";
import type {
  Clock,
  Compression,
  Crypto,
  DuplexClient,
  HttpClient,
  Log,
  Programs,
} from "../ports.ts";

/** Files of /proc and /sys. What is not there has no value: hardware differs, so that is no error. */
export interface SystemFiles {
  /** Undefined when it is missing or the kernel has no value for it. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Sorted names; empty when there is no such folder. */
  list(path: string): Promise<readonly string[]>;
  /** With all links followed; undefined when missing. */
  realPath(path: string): Promise<string | undefined>;
  /** False when the kernel refuses. */
  write(path: string, text: string): Promise<boolean>;
}

export type DiskError = "missing" | "busy" | "read-only" | "io";

/** A disk or partition opened for this program alone. Reads and writes reach the medium, not a cache. */
export interface Disk {
  readonly sizeBytes: number;
  /** Logical sector size. */
  readonly sectorBytes: number;
  /** Exactly `length` bytes. */
  read(offset: number, length: number): Promise<Result<Uint8Array, DiskError>>;
  /** Any offset and length; whole sectors are fastest. */
  write(offset: number, data: Uint8Array): Promise<Result<void, DiskError>>;
  /** Makes these bytes read as zero, whatever the disk supports; never merely discards them. */
  zero(offset: number, length: number): Promise<Result<void, DiskError>>;
  /** Returns when everything written is on the medium. */
  flush(): Promise<Result<void, DiskError>>;
  close(): Promise<void>;
}

export interface Disks {
  /** `path` as /dev/sda or /dev/sda1. "busy": something else holds it. */
  open(path: string): Promise<Result<Disk, DiskError>>;
  /** Makes the kernel read the partition table anew. Nothing of the disk may be open. */
  rereadPartitions(path: string): Promise<Result<void, DiskError>>;
}

export interface NetworkAddress {
  /** Interface name. */
  readonly name: string;
  readonly address: string;
  readonly family: "IPv4" | "IPv6";
}

export interface RamdiskPorts {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly compression: Compression;
  readonly http: HttpClient;
  readonly duplexes: DuplexClient;
  readonly programs: Programs;
  readonly system: SystemFiles;
  readonly disks: Disks;
  /** Addresses of all interfaces, loopback included. */
  addresses(): readonly NetworkAddress[];
  readonly log: Log;
}
