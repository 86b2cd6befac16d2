// Serves boot files by TFTP, read only, a socket of its own for each transfer (RFC 1350 section 4).
// What there is, and for whom, is asked of `find`; whatever it does not name is refused at once,
// because boot loaders probe for files and wait long for a server that is silent.

import { ok, quote } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import { negotiateOptions } from "../../../shared/wire/tftp/negotiate-options.ts";
import type { TftpTerms } from "../../../shared/wire/tftp/negotiate-options.ts";
import { decodeTftp, encodeTftp, tftpError } from "../../../shared/wire/tftp/tftp-packet.ts";
import type { TftpOptions, TftpPacket } from "../../../shared/wire/tftp/tftp-packet.ts";
import type { Clock, Files, Log, OpenFile, Udp, UdpAddress, UdpSocket } from "../../ports.ts";
import { makeTftpTransfer } from "./tftp-transfer.ts";
import type { TftpTransfer, TransferStep } from "./tftp-transfer.ts";

export interface TftpServerOptions {
  readonly udp: Udp;
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  /** The site's address; port 69. */
  readonly address: string;
  /** The path of what this client may read under this name. */
  readonly find: (file: string, client: UdpAddress) => string | undefined;
}

export type TftpBindError = "in-use" | "denied" | "unsupported";

// No fragments on Ethernet: 1500 less the headers of IP, UDP and TFTP. Fragments get lost in ROMs.
const maxBlockBytes = 1468;
// 32 full blocks fit the kernel's default send buffer.
const maxWindowBlocks = 32;
const maxTransfers = 256;
const maxSilences = 6;
const firstSilenceMs = 1000;
const longestSilenceMs = 8000;

export async function startTftpServer(
  options: TftpServerOptions,
): Promise<Result<{ stop(): void }, TftpBindError>> {
  const running = new Map<string, TransferOverUdp>();
  const bound = await options.udp.bind({
    address: options.address,
    port: 69,
    onMessage: (data, from) => void onRequest(data, from),
  });
  if (!bound.ok) return bound;
  const refuse = (to: UdpAddress, code: number, message: string): void => {
    bound.value.send(encodeTftp({ kind: "error", code, message }), to);
  };

  const onRequest = async (data: Uint8Array, from: UdpAddress): Promise<void> => {
    const packet = decodeTftp(data);
    if (!packet.ok || (packet.value.kind !== "read" && packet.value.kind !== "write")) return;
    const key = `${from.address}:${from.port}`;
    const request = packet.value;
    const before = running.get(key);
    // The client sent its request again before our answer reached it; that answer is under way.
    if (before?.file === request.file && before.isFresh()) return;
    before?.end();
    const reason = refusal(request, running.size);
    if (reason !== undefined) return refuse(from, ...reason);
    const path = options.find(request.file, from);
    if (path === undefined) return refuse(from, tftpError.notFound, "no such file for you");
    const transfer = new TransferOverUdp(request.file, from, options);
    running.set(key, transfer);
    if (await transfer.open(path, request.options)) await transfer.ended;
    else refuse(from, tftpError.notFound, "file cannot be read");
    if (running.get(key) === transfer) running.delete(key);
  };

  return ok({
    stop() {
      bound.value.close();
      for (const transfer of running.values()) transfer.end();
    },
  });
}

type Request = Extract<TftpPacket, { kind: "read" | "write" }>;

function refusal(request: Request, runningCount: number): [number, string] | undefined {
  if (request.kind === "write") return [tftpError.accessViolation, "read only"];
  if (request.mode !== "octet") return [tftpError.other, "only octet mode is served"];
  return runningCount >= maxTransfers ? [tftpError.other, "too many transfers"] : undefined;
}

/** Sends what the state machine says, one step after the other, and watches for silence. */
class TransferOverUdp {
  readonly file: string;
  readonly ended: Promise<void>;
  readonly #options: TftpServerOptions;
  readonly #client: UdpAddress;
  readonly #finish: () => void;
  #open: Open | undefined;
  #timer: { cancel(): void } | undefined;
  #silences = 0;
  #heard = false;
  #isOver = false;
  /** Steps in their order; reading a block takes a while, and another packet may come meanwhile. */
  #work: Promise<void> = Promise.resolve();

  constructor(file: string, client: UdpAddress, options: TftpServerOptions) {
    const ended = Promise.withResolvers<void>();
    this.file = file;
    this.ended = ended.promise;
    this.#finish = ended.resolve;
    this.#options = options;
    this.#client = client;
  }

  /** Takes file and port and sends the first packet. False when it gets one of them not. */
  async open(path: string, asked: TftpOptions): Promise<boolean> {
    const { files, udp, address, log } = this.#options;
    const source = await files.open(path, "read");
    if (!source.ok) {
      log.error("boot file cannot be read", { error: source.error.message });
      return false;
    }
    const bound = await udp.bind({
      address,
      port: 0,
      onMessage: (data, from) => this.#onMessage(data, from),
    });
    if (!bound.ok || this.#isOver) {
      await source.value.close();
      if (bound.ok) bound.value.close();
      return this.#isOver;
    }
    const { sizeBytes } = source.value;
    const terms = negotiateOptions(asked, { fileBytes: sizeBytes, maxBlockBytes, maxWindowBlocks });
    const transfer = makeTftpTransfer({ sizeBytes, ...terms, hasOack: terms.accepted.size > 0 });
    this.#open = { source: source.value, socket: bound.value, terms, transfer };
    this.#do(this.#open, () => transfer.start());
    return true;
  }

  /** True until the client has answered anything. */
  isFresh(): boolean {
    return !this.#heard;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    const open = this.#open;
    open?.socket.close();
    this.#work = this.#work.then(() => open?.source.close());
    this.#finish();
  }

  #onMessage(data: Uint8Array, from: UdpAddress): void {
    const open = this.#open;
    if (open === undefined) return;
    if (from.address !== this.#client.address || from.port !== this.#client.port) {
      // RFC 1350 section 4: the wrong peer hears of it, the transfer goes on.
      const code = tftpError.unknownTransfer;
      open.socket.send(encodeTftp({ kind: "error", code, message: "not your transfer" }), from);
      return;
    }
    const packet = decodeTftp(data);
    if (!packet.ok) return;
    this.#heard = true;
    // Ordinary: firmware asks for the size and breaks off, to come back for the file.
    if (packet.value.kind === "error") this.end();
    if (packet.value.kind !== "ack") return;
    const { block } = packet.value;
    this.#do(open, () => open.transfer.acknowledged(block));
  }

  #do(open: Open, decide: () => TransferStep, silences = 0): void {
    this.#work = this.#work.then(async () => {
      if (this.#isOver) return;
      const step = decide();
      if (step.kind === "wait") return;
      if (step.kind === "done") return this.end();
      this.#timer?.cancel();
      this.#silences = silences;
      if (step.kind === "oack") this.#send(open, { kind: "oack", options: open.terms.accepted });
      else await this.#sendBlocks(open, step);
      if (!this.#isOver) this.#awaitAnswer(open);
    });
  }

  #awaitAnswer(open: Open): void {
    const backOffMs = Math.min(firstSilenceMs * 2 ** this.#silences, longestSilenceMs);
    this.#timer = this.#options.clock.timer(open.terms.timeoutMs ?? backOffMs, () => {
      if (this.#silences + 1 < maxSilences) {
        this.#do(open, () => open.transfer.silence(), this.#silences + 1);
        return;
      }
      const { address } = this.#client;
      this.#options.log.warn("tftp client fell silent", { address, file: quote(this.file) });
      this.end();
    });
  }

  async #sendBlocks(open: Open, { first, count }: { first: number; count: number }): Promise<void> {
    const { blockBytes } = open.terms;
    const data = await open.source.read((first - 1) * blockBytes, count * blockBytes);
    if (!data.ok) {
      const message = "file cannot be read";
      this.#send(open, { kind: "error", code: tftpError.other, message });
      this.#options.log.error("boot file cannot be read", { error: data.error.message });
      return this.end();
    }
    for (let i = 0; i < count; i += 1) {
      const part = data.value.subarray(i * blockBytes, (i + 1) * blockBytes);
      this.#send(open, { kind: "data", block: (first + i) & 0xffff, data: part });
    }
  }

  #send({ socket }: Open, packet: TftpPacket): void {
    socket.send(encodeTftp(packet), this.#client);
  }
}

/** What a transfer holds while it runs. */
interface Open {
  readonly source: OpenFile;
  readonly socket: UdpSocket;
  readonly terms: TftpTerms;
  readonly transfer: TftpTransfer;
}
