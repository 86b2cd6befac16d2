// One end of a WebSocket between an agent and the hub: what passes is told and scanned, and on a bad link frames
// arrive changed, or once more later.
import type { Duplex } from "../../../site-agent/ports.ts";
import type { Life } from "../kernel/life.ts";
import type { Random } from "../kernel/random.ts";
import type { EndWatch } from "./link-watch.ts";
import type { Scan } from "./segment-watch.ts";

export interface WanEndOptions {
  /** Of the process that has it. */
  readonly life: Life;
  readonly watch: EndWatch;
  readonly scan: Scan;
  /** May change at any time. */
  readonly noise: Noise;
}

/** Of each frame: to arrive once more, to arrive changed. */
export interface Noise {
  readonly duplicates: number;
  readonly garbles: number;
  readonly random: Random;
  /** At once, or behind what is sent after it. */
  again(send: () => void): void;
}

export function wanEnd(inner: Duplex, { life, watch, scan, noise }: WanEndOptions): Duplex {
  let closed: { readonly code: number; readonly reason: string } | undefined;
  let handleClose: ((code: number, reason: string) => void) | undefined;
  let isOver = false;
  const end = (code?: number): void => {
    if (isOver) return;
    isOver = true;
    life.signal.removeEventListener("abort", die);
    watch.ended(code);
  };
  const die = (): void => end();
  life.signal.addEventListener("abort", die);
  inner.onClose((code, reason) => {
    end(code);
    closed = { code, reason };
    handleClose?.(code, reason);
  });
  return {
    send(text) {
      if (isOver || !inner.send(garbled(text, noise))) return false;
      watch.sent(text);
      scan("frame", text);
      if (draws(noise, noise.duplicates)) noise.again(() => !isOver && inner.send(text));
      return true;
    },
    close(code, reason) {
      if (!isOver) inner.close(code, reason);
    },
    onMessage: (handle) =>
      inner.onMessage((text) => {
        if (isOver) return;
        watch.arrived(text);
        handle(text);
      }),
    onClose(handle) {
      handleClose = handle;
      if (closed !== undefined) handle(closed.code, closed.reason);
    },
  };
}

/** False without a draw when it cannot be. */
export function draws({ random }: { readonly random: Random }, probability: number): boolean {
  return probability > 0 && random.chance(probability);
}

function garbled(text: string, noise: Noise): string {
  if (!draws(noise, noise.garbles)) return text;
  const { random } = noise;
  const at = random.below(text.length);
  return random.chance(0.5) ? text.slice(0, at) : `${text.slice(0, at)}\u0000${text.slice(at + 1)}`;
}
