// One TFTP read as a state machine without sockets or clock: which blocks to send after an ACK or
// a silence (RFC 1350, RFC 7440). Block numbers here are absolute, from 1; 16 bits go on the wire.

export interface TransferShape {
  readonly sizeBytes: number;
  readonly blockBytes: number;
  readonly windowBlocks: number;
  /** An OACK opens the transfer and is acknowledged as block 0. */
  readonly hasOack: boolean;
}

export type TransferStep =
  | { readonly kind: "oack" }
  | { readonly kind: "blocks"; readonly first: number; readonly count: number }
  | { readonly kind: "done" }
  /** Nothing to send. */
  | { readonly kind: "wait" };

export interface TftpTransfer {
  start(): TransferStep;
  /** `block` as it came on the wire. */
  acknowledged(block: number): TransferStep;
  /** Nothing came for too long: the step to repeat. */
  silence(): TransferStep;
}

export function makeTftpTransfer(shape: TransferShape): TftpTransfer {
  // A file whose size is a multiple of the block's ends with an empty block (RFC 1350 section 2).
  const lastBlock = Math.floor(shape.sizeBytes / shape.blockBytes) + 1;
  let oackPending = shape.hasOack;
  /** The highest block that the client has. */
  let acked = 0;
  /** The highest block that was sent. */
  let sent = 0;

  const sendWindow = (): TransferStep => {
    const first = acked + 1;
    const count = Math.min(shape.windowBlocks, lastBlock - acked);
    sent = Math.max(sent, acked + count);
    return { kind: "blocks", first, count };
  };
  const open = (): TransferStep => (oackPending ? { kind: "oack" } : sendWindow());

  return {
    start: open,
    silence: open,
    acknowledged(block) {
      if (oackPending) {
        if (block !== 0) return { kind: "wait" };
        oackPending = false;
        return sendWindow();
      }
      // An ACK that is not news is never answered: two copies of one would otherwise double every
      // packet from there to the end (the Sorcerer's Apprentice, RFC 1123 section 4.2.3.1).
      const advance = (block - acked) & 0xffff;
      if (advance === 0 || acked + advance > sent) return { kind: "wait" };
      acked += advance;
      return acked >= lastBlock ? { kind: "done" } : sendWindow();
    },
  };
}
