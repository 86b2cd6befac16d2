// What the demo prints: headings, commands before they run, host states with times, and one live line for what
// is going on. Without a terminal the live line becomes a plain line every few seconds.
import type { ProgressOutput } from "../preparation/progress.ts";

export interface Transcript {
  heading(text: string): void;
  say(text: string): void;
  command(text: string): void;
  /** Output of a command, indented. */
  output(text: string): void;
  /** Replaces the live line; "" removes it. */
  live(text: string): void;
  seconds(): number;
}

const plainEveryMs = 5_000;

export function makeTranscript(output: ProgressOutput = process.stdout): Transcript {
  const startedAtMs = Date.now();
  const isTerminal = output.isTTY === true;
  let liveText = "";
  let plainAtMs = 0;
  const clear = () => {
    if (isTerminal && liveText !== "") output.write("\r\u001B[2K");
  };
  const draw = () => {
    if (isTerminal && liveText !== "") output.write(liveText.slice(0, (output.columns ?? 100) - 1));
  };
  const line = (text: string) => {
    clear();
    output.write(`${text}\n`);
    draw();
  };
  const seconds = () => (Date.now() - startedAtMs) / 1000;
  const stamp = () => `${seconds().toFixed(0).padStart(4)} s`;
  return {
    heading: (text) => line(`\n── ${text} ${"─".repeat(Math.max(3, 92 - text.length))}`),
    say: (text) => line(`${stamp()}  ${text}`),
    command: (text) => line(`\n  $ ${text}`),
    output: (text) => {
      for (const each of text.trimEnd().split("\n")) line(`    ${each}`);
    },
    live(text) {
      if (!isTerminal) {
        if (text === "" || Date.now() - plainAtMs < plainEveryMs) return;
        plainAtMs = Date.now();
        line(`${stamp()}  … ${text}`);
        return;
      }
      clear();
      liveText = text === "" ? "" : `${stamp()}  … ${text}`;
      draw();
    },
    seconds,
  };
}
