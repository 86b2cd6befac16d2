// The lines of a trace as text: blocks with a time, a hop and its file, what goes in and what comes out; headings.
import { hops } from "./hops.table.ts";
import type { HopName } from "./hops.table.ts";

const width = 110;
const indent = " ".repeat(11);

/** What stands before a line of a block: "in", "out", or nothing when the line goes on. */
export type BlockLine = readonly [side: "in" | "out" | "", line: string];

export class TracePage {
  readonly #lines: string[] = [];
  readonly #startMs: number;
  readonly #shorten: (line: string) => string;

  constructor(startMs: number, shorten: (line: string) => string) {
    this.#startMs = startMs;
    this.#shorten = shorten;
  }

  paragraph(...lines: readonly string[]): void {
    this.#lines.push(...lines.map((line) => this.#shorten(line)), "");
  }

  heading(title: string): void {
    const rule = "─".repeat(Math.max(0, width - title.length - 5));
    this.#lines.push(`─── ${title} ${rule}`, "");
  }

  /** `detail` goes on with the file's name, where a hop has several. */
  block(atMs: number, name: HopName, lines: readonly BlockLine[], detail = ""): void {
    const { hop, file } = hops[name];
    this.#lines.push(`${this.time(atMs)}  ${hop} ${name.padEnd(11)} ${file}${detail}`);
    for (const [side, line] of lines) this.#lines.push(...wrap(side, this.#shorten(line)));
    this.#lines.push("");
  }

  note(line: string): void {
    this.#lines.push(`${indent}  (${line})`, "");
  }

  /** Minutes and seconds since the start. */
  time(atMs: number): string {
    const ms = atMs - this.#startMs;
    const minutes = String(Math.floor(ms / 60_000)).padStart(2, "0");
    return `${minutes}:${((ms % 60_000) / 1000).toFixed(3).padStart(6, "0")}`;
  }

  text(): string {
    return `${this.#lines.map((line) => line.trimEnd()).join("\n")}`;
  }
}

function wrap(side: string, line: string): string[] {
  const room = width - indent.length - 6;
  const parts: string[] = [];
  let rest = line;
  while (rest.length > room) {
    const at = rest.lastIndexOf(" ", room);
    if (at <= 2) break;
    parts.push(rest.slice(0, at));
    rest = `  ${rest.slice(at + 1)}`;
  }
  parts.push(rest);
  return parts.map((part, index) => `${indent}  ${(index === 0 ? side : "").padEnd(4)}${part}`);
}
