// The ports on web standards that Node and Deno share: clock, WebCrypto, JSON lines on standard output.
import type { Clock, Crypto, Log, LogFields } from "../ports.ts";
import { toHex } from "../../shared/bytes.ts";
import { sha256Hex } from "../../shared/host/document/canonical-json.ts";

/** Timers do not keep a stopping process alive. */
export const clock: Clock = {
  nowMs: () => Date.now(),
  timer(ms, run) {
    const timer = setTimeout(run, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** To have a thread hash a text that is no longer, as a bearer, and to wait for it, takes longer than to hash it. */
const shortLength = 1_024;

export const webCrypto: Crypto = {
  randomHex: (bytes) => toHex(crypto.getRandomValues(new Uint8Array(bytes))),
  async sha256Hex(text) {
    if (text.length <= shortLength) return sha256Hex(text);
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return toHex(new Uint8Array(digest));
  },
  async verify(publicKey, signature, data) {
    try {
      const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
      return await crypto.subtle.verify("Ed25519", key, signature, data);
    } catch {
      return false;
    }
  },
};

export function jsonLog(instance: string): Log {
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      const line = { time: new Date().toISOString(), level, message, instance };
      // A field cannot take the place of these, but they stay in front.
      console.log(JSON.stringify({ ...line, ...fields, ...line }));
    };
  return { info: write("info"), warn: write("warn"), error: write("error") };
}
