// What imaging takes of the world, and its settings, as its parts share them.
import type { Clock, Compression, Crypto, Files, HttpClient, Log } from "../ports.ts";
import type { SourceTools } from "./source/http-source.ts";

export interface ImagingConfig {
  /** Absolute path of a folder that is ours alone. */
  readonly cacheDirectory: string;
  /** What finished streams may take on disk; the bound of one source file, too. */
  readonly cacheBytes: number;
  /** The largest disk that an image may describe; 64 TiB when absent. */
  readonly maxVirtualBytes?: number;
  /** Hosts that are fetched from although their address means this machine or its link. */
  readonly allowedHosts?: readonly string[];
}

export interface ImagingPorts {
  readonly http: HttpClient;
  readonly files: Files;
  readonly compression: Compression;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ImagingTools extends ImagingPorts, SourceTools {
  readonly cacheBytes: number;
  readonly maxVirtualBytes: number;
}
