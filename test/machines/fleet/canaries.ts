// Secrets that must turn up nowhere: looks for them in every form in which they could have been put down.
import { readFile, readdir } from "node:fs/promises";
import postgres from "postgres";
import { tryProgram } from "../../../infra/preparation/run-program.ts";

/** The text itself, in hexadecimal, and in base64 wherever it stands in the encoded bytes. */
export function formsOf(secret: string): readonly string[] {
  const inBase64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)]).toString("base64");
    // What depends on the bytes before and after is cut off.
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  return [secret, Buffer.from(secret).toString("hex"), ...inBase64];
}

/** Files below the paths that hold one of the secrets. */
export async function filesWith(
  secrets: readonly string[],
  paths: readonly string[],
): Promise<readonly string[]> {
  const options = ["--recursive", "--text", "--files-with-matches", "--fixed-strings"];
  // By stdin: the search itself must not be the one that shows them in its arguments.
  const input = secrets.flatMap(formsOf).join("\n");
  const found = await tryProgram("grep", [...options, "--file=-", ...paths], { input });
  const { code, stdout, stderr } = found;
  // A file that vanished meanwhile is none; a path that never was makes the search worthless.
  if (code > 1 && !stderr.includes("No such file")) throw new Error(`grep: ${stderr}`);
  for (const path of paths) if (stderr.includes(`${path}: No such`)) throw new Error(stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

/** Every table of the database as COPY puts it out, one text. */
export async function dumpDatabase(url: string): Promise<string> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const tables = await sql<{ name: string }[]>`
      SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`;
    let text = "";
    for (const { name } of tables) {
      text += `${name}\n`;
      const rows = await sql.unsafe(`COPY ${name} TO STDOUT`).readable();
      for await (const chunk of rows) text += String(chunk);
    }
    return text;
  } finally {
    await sql.end();
  }
}

export interface ArgumentWatch {
  /** Command lines of all programs that were seen so far, arguments separated by spaces. */
  readonly seen: ReadonlySet<string>;
  stop(): void;
}

/** Looks at the arguments of every program on this machine, several times a second. */
export function watchArguments(): ArgumentWatch {
  const seen = new Set<string>();
  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => ""));
    for (const line of await Promise.all(lines)) seen.add(line.replaceAll("\0", " "));
    isLooking = false;
  };
  const timer = setInterval(() => void look(), 300);
  return { seen, stop: () => clearInterval(timer) };
}
