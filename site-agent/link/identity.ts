// Who this agent is: keys made here once, and the id that the control plane gave for them. The private keys never
// leave the state directory. Becoming somebody is enrolment/.
import { z } from "zod";
import { fromBase64, toBase64 } from "../../shared/bytes.ts";
import type { AgentDatabase, KeyPair } from "../ports.ts";
import { noteSetting, readSetting, writeSetting } from "./database.ts";

export interface Identity {
  readonly agentId: string;
  readonly signingPrivateKey: Uint8Array;
  readonly sealingPrivateKey: Uint8Array;
  readonly sealingPublicKey: Uint8Array;
  /** The private CA of the control plane, PEM; absent: system roots. */
  readonly caPem: string | undefined;
  /** Grows by one with every session, on disk before it is used. */
  nextCounter(): number;
  /**
   * Remembers the highest epoch, on disk. False for one that was seen before or is lower, and for all that come after
   * it: that database went back in time, and does not know what to do about it (hello.heard); its numbers catch up
   * while its content does not.
   */
  acceptEpoch(epoch: number): boolean;
  /**
   * How many turns of the newest session were heard. Remembered, it outlives this process, and it is on disk before
   * documents and operations that came with it.
   */
  acceptTurn(turn: number, isRemembered: boolean): void;
  /** Epoch and turn as above. */
  heard(): { readonly epoch: number; readonly turn: number };
}

/** Setting: an epoch came that was not newer. */
const wentBack = "epoch-went-back";

const storedIdentity = z.object({
  agentId: z.string(),
  signingPrivateKey: z.string(),
  sealingPrivateKey: z.string(),
  sealingPublicKey: z.string(),
  caPem: z.string().optional(),
});

export interface NewIdentity {
  readonly agentId: string;
  readonly signing: KeyPair;
  readonly sealing: KeyPair;
  readonly caPem: string | undefined;
}

/** Throws when what is stored is damaged, with the way out. */
export function loadIdentity(database: AgentDatabase): Identity | undefined {
  const text = readSetting(database, "identity");
  if (text === undefined) return undefined;
  const stored = storedIdentity.parse(JSON.parse(text));
  const bytes = (name: "signingPrivateKey" | "sealingPrivateKey" | "sealingPublicKey") => {
    const value = fromBase64(stored[name]);
    if (value === undefined)
      throw new Error(`The stored ${name} is damaged: enrol this agent anew.`);
    return value;
  };
  let turn = Number(readSetting(database, "turn") ?? "0");
  return {
    agentId: stored.agentId,
    signingPrivateKey: bytes("signingPrivateKey"),
    sealingPrivateKey: bytes("sealingPrivateKey"),
    sealingPublicKey: bytes("sealingPublicKey"),
    caPem: stored.caPem,
    nextCounter() {
      const next = Number(readSetting(database, "counter") ?? "0") + 1;
      writeSetting(database, "counter", String(next));
      return next;
    },
    acceptEpoch(epoch) {
      const isNewer = epoch > Number(readSetting(database, "epoch") ?? "0");
      if (!isNewer) writeSetting(database, wentBack, "yes");
      if (!isNewer || readSetting(database, wentBack) === "yes") return false;
      database.transaction(() => {
        writeSetting(database, "epoch", String(epoch));
        writeSetting(database, "turn", "0");
      });
      turn = 0;
      return true;
    },
    acceptTurn(newest, isRemembered) {
      turn = newest;
      if (isRemembered) noteSetting(database, "turn", String(turn));
    },
    heard: () => ({ epoch: Number(readSetting(database, "epoch") ?? "0"), turn }),
  };
}

/**
 * A new identity is a new beginning: what an earlier control plane said no longer counts, and its operation ids
 * may come again for other work. Call it in a transaction.
 */
export function storeIdentity(database: AgentDatabase, identity: NewIdentity): void {
  const { agentId, signing, sealing, caPem } = identity;
  for (const table of ["documents", "operations", "observations"]) {
    database.run(`DELETE FROM ${table}`);
  }
  for (const key of ["counter", "epoch", "turn"]) writeSetting(database, key, "0");
  writeSetting(database, wentBack, "no");
  const stored = {
    agentId,
    signingPrivateKey: toBase64(signing.privateKey),
    sealingPrivateKey: toBase64(sealing.privateKey),
    sealingPublicKey: toBase64(sealing.publicKey),
    ...(caPem === undefined ? {} : { caPem }),
  };
  writeSetting(database, "identity", JSON.stringify(stored));
}
