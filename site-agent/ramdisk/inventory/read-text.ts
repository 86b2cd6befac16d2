// Values of /proc and /sys as trimmed text and numbers.
import type { SystemFiles } from "../ports.ts";

/** Undefined when missing or empty. Blanks and NULs at both ends are the kernel's padding, not the value. */
export async function readText(system: SystemFiles, path: string): Promise<string | undefined> {
  const bytes = await system.read(path);
  return bytes === undefined ? undefined : textOf(bytes);
}

export function textOf(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder("latin1").decode(bytes).replace(/^[\s\0]+|[\s\0]+$/g, "");
  return text === "" ? undefined : text;
}

/** Undefined when missing or not a decimal number. */
export async function readNumber(system: SystemFiles, path: string): Promise<number | undefined> {
  const text = await readText(system, path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}
