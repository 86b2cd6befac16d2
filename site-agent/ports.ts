// What the agent and the ramdisk program need of the world. Nothing else in site-agent/ touches it;
// the real world is in adapters/, a simulated one can take every place here.
import type { Result } from "../shared/result.ts";

export interface Timer {
  cancel(): void;
}

/** Two clocks: wall time for people, monotonic time for every duration, age and deadline. */
export interface Clock {
  /** Epoch milliseconds. May jump. */
  nowMs(): number;
  /** Milliseconds since some fixed moment. Never jumps. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when `signal` aborts (check `signal.aborted` after it). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  timer(ms: number, run: () => void): Timer;
}

/** When the machine that this runs on was started: a process that is started again can go on from it. */
export interface MachineBoot {
  /** Another one after each start of the machine. */
  readonly id: string;
  /** Milliseconds since then. Never jumps. */
  sinceMs(): number;
}

export type HashName = "md5" | "sha1" | "sha256" | "sha512";

export interface Hash {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

export interface KeyPair {
  /** Raw 32-byte keys. */
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** Randomness, digests, ciphers. */
export interface Crypto {
  randomBytes(count: number): Uint8Array;
  randomUuid(): string;
  hash(name: HashName): Hash;
  hmac(name: HashName, key: Uint8Array, data: Uint8Array): Uint8Array;
  /** AES-128-CBC without padding; `data` is a multiple of 16 bytes (IPMI 2.0 section 13.29). */
  aesCbcEncrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array;
  aesCbcDecrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array;
  /** Ed25519. */
  makeSigningKeys(): KeyPair;
  sign(privateKey: Uint8Array, data: Uint8Array): Uint8Array;
  /** X25519, for HPKE (RFC 9180, base mode, HKDF-SHA256, AES-256-GCM). */
  makeSealingKeys(): KeyPair;
  seal(to: Uint8Array, plain: Uint8Array, aad: Uint8Array): Promise<Sealed>;
  /** Fails with kind "sealed" when key, text or aad do not belong together. */
  open(
    privateKey: Uint8Array,
    sealed: Sealed,
    aad: Uint8Array,
  ): Promise<Result<Uint8Array, "sealed">>;
  constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean;
}

export interface Sealed {
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Every decompression is bounded: more than `maxBytes` out is an error of kind "too-large". */
export interface Compression {
  zstdCompress(data: Uint8Array, level: number): Promise<Uint8Array>;
  zstdDecompress(data: Uint8Array, maxBytes: number): Promise<Result<Uint8Array, CompressionError>>;
  /** Raw deflate, as in qcow2 clusters: trailing bytes after the stream are ignored. */
  inflateRaw(data: Uint8Array, maxBytes: number): Promise<Result<Uint8Array, CompressionError>>;
}
export type CompressionError = "corrupt" | "too-large";

export interface UdpAddress {
  readonly address: string;
  readonly port: number;
}

export interface UdpSocket {
  readonly local: UdpAddress;
  send(data: Uint8Array, to: UdpAddress): void;
  close(): void;
}

export interface UdpOptions {
  readonly address: string;
  readonly port: number;
  readonly broadcast?: boolean;
  readonly reuseAddress?: boolean;
  /** Bind to this interface; an adapter that cannot says so with kind "unsupported". */
  readonly device?: string;
  onMessage(data: Uint8Array, from: UdpAddress): void;
}

export interface Udp {
  bind(options: UdpOptions): Promise<Result<UdpSocket, "in-use" | "denied" | "unsupported">>;
}

/** Files by absolute path. Errors are values: "missing", "denied", "full", "io". */
export type FileError = "missing" | "denied" | "full" | "io";

export interface OpenFile {
  readonly sizeBytes: number;
  read(offset: number, length: number): Promise<Result<Uint8Array, FileError>>;
  write(offset: number, data: Uint8Array): Promise<Result<void, FileError>>;
  sync(): Promise<Result<void, FileError>>;
  close(): Promise<void>;
}

export interface Files {
  readFile(path: string): Promise<Result<Uint8Array, FileError>>;
  /** Writes beside, syncs, renames, syncs the folder: all or nothing. */
  writeFile(
    path: string,
    data: Uint8Array,
    options?: { mode?: number },
  ): Promise<Result<void, FileError>>;
  open(path: string, mode: "read" | "write" | "create"): Promise<Result<OpenFile, FileError>>;
  rename(from: string, to: string): Promise<Result<void, FileError>>;
  remove(path: string): Promise<Result<void, FileError>>;
  list(path: string): Promise<Result<readonly string[], FileError>>;
  makeFolder(path: string): Promise<Result<void, FileError>>;
  /** Free bytes of the file system that holds `path`. */
  freeBytes(path: string): Promise<Result<number, FileError>>;
}

export interface ProgramResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs another program; arguments are never joined into a shell line. No secrets in argv. */
export interface Programs {
  run(
    argv: readonly string[],
    options?: { input?: string; timeoutMs?: number },
  ): Promise<Result<ProgramResult, "missing" | "timeout">>;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** PEM; system roots when absent. */
  readonly ca?: string;
  /** SHA-256 of the server's certificate in hex; replaces the check against roots. */
  readonly fingerprint?: string;
  /** Asked with the address that the name turned out to be; false: "unreachable", and no byte is sent. */
  readonly allowAddress?: (address: string) => boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** https only: the connection may be one of an earlier request, and is kept for the next. The body must be read. */
  readonly keepConnection?: boolean;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Throws nothing: a broken transfer ends with an error item. Reading it applies backpressure. */
  readonly body: AsyncIterable<Result<Uint8Array, HttpError>>;
}
export type HttpError = "unreachable" | "timeout" | "tls" | "truncated" | "aborted";

/** HTTP client. Does not follow redirects: the caller decides about each. */
export interface HttpClient {
  request(request: HttpRequest): Promise<Result<HttpResponse, HttpError>>;
}

/** A message duplex: text messages with close codes, as WebSocket gives (RFC 6455). */
export interface Duplex {
  /** False when the socket is closed or its send buffer is above the adapter's cap. */
  send(text: string): boolean;
  close(code: number, reason: string): void;
  /** At most one handler of each; set in the same turn in which the duplex arrives. */
  onMessage(handle: (text: string) => void): void;
  onClose(handle: (code: number, reason: string) => void): void;
}

export interface DuplexRequest {
  readonly url: string;
  readonly protocol: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly ca?: string;
  readonly fingerprint?: string;
  readonly timeoutMs: number;
}

export interface DuplexClient {
  connect(request: DuplexRequest): Promise<Result<Duplex, HttpError | "refused">>;
}

export interface ServerRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly remote: UdpAddress;
  /** Where the server takes bodies; empty when none was sent. */
  readonly body?: Uint8Array;
}

export interface ServerResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream must be pulled only as fast as the client reads. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface ServerOptions {
  readonly address: string;
  readonly port: number;
  /** Self-signed key and certificate, PEM. Plain HTTP when absent. */
  readonly tls?: { readonly keyPem: string; readonly certPem: string };
  /** Bodies up to this size are read whole, larger ones answered with 413. Absent: bodies are not read. */
  readonly maxBodyBytes?: number;
  handle(request: ServerRequest): Promise<ServerResponse>;
  /** Called for a WebSocket upgrade with the right subprotocol; absent: upgrades are refused. */
  upgrade?(request: ServerRequest, duplex: Duplex): void;
}

export interface HttpServer {
  listen(
    options: ServerOptions,
  ): Promise<Result<{ port: number; close(): Promise<void> }, "in-use" | "denied">>;
}

export type SqlValue = string | number | bigint | null | Uint8Array;

/** The agent's own small SQL database (SQLite, WAL, synchronous=FULL): a returned write is on disk. */
export interface AgentDatabase {
  execute(sql: string): void;
  run(sql: string, ...values: SqlValue[]): { changes: number };
  /**
   * As `run`, without waiting for the disk: it outlives this process, and a power cut after the next `run` or
   * transaction, which puts it on disk as well.
   */
  note(sql: string, ...values: SqlValue[]): void;
  all(sql: string, ...values: SqlValue[]): Record<string, SqlValue>[];
  /** All or nothing; `work` is synchronous. */
  transaction<T>(work: () => T): T;
}

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One JSON line an event: constant message, typed fields. Never a secret. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
