// The newest version of each resource that the API server has shown. A list that is older comes from a server that
// lags behind: a control plane that knows nothing would take it for the truth, and write old statuses over newer ones.
// Own writes count, also those of a process that was killed before it heard the answer: they are looked at first.
import { z } from "zod";
import { feedResource, type FeedResource } from "../../shared/protocol/feed.ts";
import { noteSetting, readSetting } from "../link/database.ts";
import type { AgentDatabase } from "../ports.ts";

/** In a row; lists are tried each second. After that the server itself must be an older one, as from a backup. */
const mostRefusals = 60;

const sentWrite = z.object({ resource: feedResource, path: z.string() });
export type SentWrite = z.infer<typeof sentWrite>;

export interface NewestSeen {
  /** Decimal. */
  note(resource: FeedResource, version: string): void;
  /** Whether a list of that version may be used. */
  accepts(resource: FeedResource, version: string): boolean;
  /** The server says that it is older itself. */
  forget(resource: FeedResource): void;
  /** An object is about to be written; to be called back when the server has answered. */
  sending(write: SentWrite): () => void;
  /** Of which nobody knows whether the server has done them: what it shows of these objects is to be noted. */
  unanswered(resource: FeedResource): readonly UnansweredWrite[];
}

interface UnansweredWrite extends SentWrite {
  readonly lookedAt: () => void;
}

export function makeNewestSeen(database: AgentDatabase): NewestSeen {
  return { ...newestOf(database), ...sentOf(database) };
}

function newestOf(database: AgentDatabase): Pick<NewestSeen, "note" | "accepts" | "forget"> {
  const newest = new Map<FeedResource, bigint>();
  const refusals = new Map<FeedResource, number>();
  const keyOf = (resource: FeedResource): string => `newest:${resource}`;
  const read = (resource: FeedResource): bigint => {
    const version = newest.get(resource) ?? BigInt(readSetting(database, keyOf(resource)) ?? "0");
    newest.set(resource, version);
    return version;
  };
  const set = (resource: FeedResource, version: bigint): void => {
    newest.set(resource, version);
    noteSetting(database, keyOf(resource), String(version));
  };
  return {
    note(resource, version) {
      const seen = BigInt(version);
      if (seen > read(resource)) set(resource, seen);
    },
    accepts(resource, version) {
      const count = (refusals.get(resource) ?? 0) + 1;
      const isOlder = BigInt(version) < read(resource);
      if (isOlder && count <= mostRefusals) {
        refusals.set(resource, count);
        return false;
      }
      if (isOlder) set(resource, 0n);
      refusals.delete(resource);
      return true;
    },
    forget: (resource) => set(resource, 0n),
  };
}

const key = "unanswered-writes";

function sentOf(database: AgentDatabase): Pick<NewestSeen, "sending" | "unanswered"> {
  const kept: unknown = JSON.parse(readSetting(database, key) ?? "[]");
  const sent = new Set<SentWrite>(z.array(sentWrite).safeParse(kept).data);
  const keep = () => noteSetting(database, key, JSON.stringify([...sent]));
  const drop = (write: SentWrite) => () => {
    if (sent.delete(write)) keep();
  };
  return {
    sending({ resource, path }) {
      const write = { resource, path };
      sent.add(write);
      keep();
      return drop(write);
    },
    unanswered: (resource) =>
      [...sent]
        .filter((write) => write.resource === resource)
        .map((write) => ({ ...write, lookedAt: drop(write) })),
  };
}
