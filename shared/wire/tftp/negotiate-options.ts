// What a TFTP server grants of the options in a read request: RFC 2348 (blksize), RFC 2349 (timeout,
// tsize), RFC 7440 (windowsize). Anything unknown or out of range is left out of the answer, which
// is how a server refuses an option.

import type { TftpOptions } from "./tftp-packet.ts";

export interface TftpLimits {
  readonly fileBytes: number;
  readonly maxBlockBytes: number;
  readonly maxWindowBlocks: number;
}

export interface TftpTerms {
  /** Bytes of every DATA packet but the last. */
  readonly blockBytes: number;
  /** DATA packets that go out before an ACK is awaited. */
  readonly windowBlocks: number;
  /** How long the client wants the server to wait before it sends again. */
  readonly timeoutMs: number | undefined;
  /** What an OACK says; empty: no OACK, the first DATA packet is the answer. */
  readonly accepted: TftpOptions;
}

export function negotiateOptions(asked: TftpOptions, limits: TftpLimits): TftpTerms {
  const blksize = within(asked.get("blksize"), 8, 65464);
  const windowsize = within(asked.get("windowsize"), 1, 65535);
  const timeout = within(asked.get("timeout"), 1, 255);
  const blockBytes = blksize === undefined ? 512 : Math.min(blksize, limits.maxBlockBytes);
  const windowBlocks = windowsize === undefined ? 1 : Math.min(windowsize, limits.maxWindowBlocks);
  const answers: Readonly<Record<string, number | undefined>> = {
    blksize: blksize === undefined ? undefined : blockBytes,
    windowsize: windowsize === undefined ? undefined : windowBlocks,
    timeout,
    tsize: asked.has("tsize") ? limits.fileBytes : undefined,
  };
  const accepted = new Map<string, string>();
  for (const name of asked.keys()) {
    const answer = Object.hasOwn(answers, name) ? answers[name] : undefined;
    if (answer !== undefined) accepted.set(name, String(answer));
  }
  return {
    blockBytes,
    windowBlocks,
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    accepted,
  };
}

function within(text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined || !/^\d{1,9}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}
