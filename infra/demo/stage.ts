// What the chapters of the demo's story are played on, and how they show and run kubectl.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSpec } from "../lab/machine/machine-spec.ts";
import type { Paddock } from "../paddock/paddock.ts";
import type { Transcript } from "./transcript.ts";

export interface ServedImage {
  readonly url: string;
  readonly sha256: string;
}

export interface Stage {
  readonly paddock: Paddock;
  readonly transcript: Transcript;
  readonly directory: string;
  /** Given an operating system by hand. */
  readonly byHand: MachineSpec;
  /** Idle until a MachineSet wants it. */
  readonly worker: MachineSpec;
  /** Somebody else's: only looked at. */
  readonly external: MachineSpec;
  readonly images: { readonly debian: ServedImage; readonly node: ServedImage };
}

/** Shows the command, runs it, shows what it says. */
export async function kubectl(stage: Stage, ...args: readonly string[]): Promise<void> {
  const { paddock, transcript } = stage;
  transcript.command(`kubectl ${args.map(quoted).join(" ")}`);
  const { code, stdout, stderr } = await paddock.kubernetes.kubectl(args, { timeoutMs: 330_000 });
  if (stderr !== "") transcript.output(stderr);
  if (stdout !== "") transcript.output(stdout);
  if (code !== 0) throw new Error(`kubectl ${args.slice(0, 3).join(" ")} failed: ${stderr.trim()}`);
}

/** Writes the YAML beside everything else and applies it. */
export async function apply(stage: Stage, fileName: string, text: string): Promise<void> {
  const path = join(stage.directory, fileName);
  await writeFile(path, text, { mode: 0o600 });
  await kubectl(stage, "apply", "-f", path);
}

function quoted(argument: string): string {
  return /^[A-Za-z0-9_./:=,@-]+$/.test(argument) ? argument : `'${argument}'`;
}
