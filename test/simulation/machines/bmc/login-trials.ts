// Which password an agent tries: in RMCP+ the agent sees at RAKP 2 that its password is another than the BMC's, and
// falls silent, so the BMC never learns of it. The world does: it hears the HMAC that the agent computes.
// Knows no BMC; each tells it which of its sessions wait.

export interface LoginTrials {
  /** RAKP 2 of this session is on its way; `onKey` is told the key that is used against it, once. */
  wait(bmcSessionId: number, onKey: (key: Uint8Array) => void): void;
  /** The session is open or gone. */
  forget(bmcSessionId: number): void;
  /** For the Crypto of agents. */
  heard(key: Uint8Array, data: Uint8Array): void;
}

/** IPMI 2.0 section 13.31: SID of the console, SID of the BMC, three fields of 16 bytes, role, length of the name. */
const rakp2InputBytes = 58;

export function makeLoginTrials(): LoginTrials {
  const waiting = new Map<number, (key: Uint8Array) => void>();
  return {
    wait: (bmcSessionId, onKey) => void waiting.set(bmcSessionId, onKey),
    forget: (bmcSessionId) => void waiting.delete(bmcSessionId),
    heard(key, data) {
      if (waiting.size === 0 || data.length < rakp2InputBytes) return;
      const id = (data[4]! | (data[5]! << 8) | (data[6]! << 16) | (data[7]! << 24)) >>> 0;
      const onKey = waiting.get(id);
      if (onKey === undefined) return;
      waiting.delete(id);
      onKey(key);
    },
  };
}
