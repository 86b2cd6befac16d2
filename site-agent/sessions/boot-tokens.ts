// Boot tokens: 256 random bits on a machine's kernel command line, bound to a host, to the MAC that boots and
// to one boot. A token opens one session; only the same boot of the same machine may come back to it.
import { toHex } from "../../shared/bytes.ts";
import type { FromRamdisk } from "../../shared/protocol/ramdisk.ts";
import type { Crypto } from "../ports.ts";
import type { AttachableSession } from "./ramdisk-session.ts";

export type Hello = Extract<FromRamdisk, { type: "hello" }>;

/** What a machine's uptime may lag behind our clock before it must have booted again. */
const uptimeSlackSeconds = 10;

export interface ExpectedBoot {
  readonly hostUid: string;
  /** Lower case. */
  readonly mac: string;
  /** Set by the first accepted hello. */
  claimed?: {
    readonly session: AttachableSession;
    readonly hello: Hello;
    readonly atMs: number;
  };
}

export interface BootTokens {
  add(token: string, boot: ExpectedBoot): void;
  /** The boot of an Authorization header's bearer token. */
  find(authorization: string | undefined): ExpectedBoot | undefined;
  /** Still valid? */
  has(boot: ExpectedBoot): boolean;
  ofHost(hostUid: string): readonly ExpectedBoot[];
  remove(boot: ExpectedBoot): void;
}

export function makeBootTokens(crypto: Pick<Crypto, "hash">): BootTokens {
  // By digest: a look-up by the token itself would tell by its duration how much of it was right.
  const boots = new Map<string, ExpectedBoot>();
  const digest = (token: string): string => {
    const hash = crypto.hash("sha256");
    hash.update(new TextEncoder().encode(token));
    return toHex(hash.digest());
  };
  const all = (): ExpectedBoot[] => [...boots.values()];
  return {
    add: (token, boot) => void boots.set(digest(token), boot),
    find(authorization) {
      const token = /^Bearer (\S{1,256})$/.exec(authorization ?? "")?.[1];
      return token === undefined ? undefined : boots.get(digest(token));
    },
    has: (boot) => all().includes(boot),
    ofHost: (hostUid) => all().filter((boot) => boot.hostUid === hostUid),
    remove(boot) {
      for (const [key, each] of boots) if (each === boot) boots.delete(key);
    },
  };
}

/**
 * Why this machine may not use the token; undefined when it may. `nowMs` is monotonic. Whether the former
 * connection still lives is another question.
 */
export function helloProblem(boot: ExpectedBoot, hello: Hello, nowMs: number): string | undefined {
  const macs = hello.identity.macs.map((mac) => mac.toLowerCase());
  if (hello.bootMac.toLowerCase() !== boot.mac || !macs.includes(boot.mac)) {
    return "this machine is not the one that was expected";
  }
  if (boot.claimed === undefined) return undefined;
  const { hello: first, atMs } = boot.claimed;
  if (!isSameMachine(first, hello)) return "this boot token belongs to another machine";
  const uptimeSeconds = first.uptimeSeconds + (nowMs - atMs) / 1000;
  return hello.uptimeSeconds < uptimeSeconds - uptimeSlackSeconds
    ? "this boot token was used by an earlier boot"
    : undefined;
}

function isSameMachine({ identity: a }: Hello, { identity: b }: Hello): boolean {
  return (
    a.systemUuid === b.systemUuid &&
    a.serialNumber === b.serialNumber &&
    a.macs.toSorted().join() === b.macs.toSorted().join()
  );
}
