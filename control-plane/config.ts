// The control plane's configuration: one schema for environment, checks and help. All mistakes are told at once.
import { z } from "zod";
import { err, ok, quote, type Result } from "../shared/result.ts";

const flag = z.enum(["0", "1"], { error: "must be 0 or 1" }).transform((text) => text === "1");
const databaseUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\/[^\s]+$/, "must be a postgres:// URL without spaces");
const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
  message: "must be like https://farrier.example, without a path or a slash at the end",
});

const schema = z.object({
  FARRIER_HOST: z.string().default("127.0.0.1").describe("address to listen on"),
  FARRIER_PORT: z.coerce
    .number({ error: "must be a port number" })
    .int()
    .min(0)
    .max(65_535)
    .default(8443)
    .describe("port to listen on; 0: any free one"),
  FARRIER_ORIGIN: z
    .string()
    .transform((text) => text.split(",").map((each) => each.trim()))
    .pipe(z.array(origin).min(1))
    .optional()
    .describe(
      "the address that agents use, https://…; several, separated by commas, if they use several. Default: made of " +
        "host and port",
    ),
  FARRIER_TLS_CERT: z.string().optional().describe("certificate file, PEM; without: plain HTTP"),
  FARRIER_TLS_KEY: z.string().optional().describe("its key file, PEM"),
  DATABASE_URL: databaseUrl
    .optional()
    .describe("Postgres; without it, on Node, one is started on FARRIER_DATA"),
  DATABASE_URL_DIRECT: databaseUrl
    .optional()
    .describe("the same without a pooler in between, for notifications"),
  FARRIER_DATABASE_POOLER: flag
    .default(false)
    .describe("1: DATABASE_URL goes through a transaction pooler such as PgBouncer"),
  FARRIER_DATABASE_CONNECTIONS: z.coerce
    .number({ error: "must be a number" })
    .int()
    .min(1)
    .max(100)
    .default(8)
    .describe("connections of this instance, besides one for notifications"),
  FARRIER_DATA: z
    .string()
    .default("./farrier-data")
    .describe("folder of the embedded Postgres; one process holds it"),
  FARRIER_MIGRATE: flag
    .optional()
    .describe("whether to bring the tables up to date at start; default: 1 on Node, 0 on Deno"),
  FARRIER_ADMIN_TOKEN: z
    .string()
    .min(16, "must have at least 16 characters")
    .optional()
    .describe("bearer of the admin API; without it the API is closed"),
  FARRIER_INSTANCE: z.string().max(64).optional().describe("name of this instance in logs"),
});

export type Config = z.infer<typeof schema>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** An empty variable counts as absent. The message has one line for each mistake. */
export function readConfig(environment: Environment): Result<Config, "config"> {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = schema.safeParse(given);
  const problems = [
    ...(parsed.success
      ? pairProblems(parsed.data)
      : parsed.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`)),
    ...unknownNames(Object.keys(given)),
  ];
  if (parsed.success && problems.length === 0) return ok(parsed.data);
  return err("config", problems.join("\n"));
}

function pairProblems(config: Config): string[] {
  const isHalf = (config.FARRIER_TLS_CERT === undefined) !== (config.FARRIER_TLS_KEY === undefined);
  return isHalf ? ["FARRIER_TLS_CERT and FARRIER_TLS_KEY: give both or none"] : [];
}

/** Other programs of the project may have variables in the same environment; what looks like one of ours is not theirs. */
function unknownNames(names: readonly string[]): string[] {
  const known = Object.keys(schema.shape);
  return names
    .filter((name) => !known.includes(name))
    .flatMap((name) => {
      const meant = known.find((each) => editDistance(name, each) <= 2);
      return meant === undefined ? [] : [`${quote(name)} is not known; did you mean ${meant}?`];
    });
}

/** Levenshtein: insertions, deletions and substitutions. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let at = 1; at <= left.length; at += 1) {
    const next = [at];
    for (let to = 1; to <= right.length; to += 1) {
      const same = left[at - 1] === right[to - 1] ? 0 : 1;
      const replaced = (row[to - 1] ?? 0) + same;
      next.push(Math.min(replaced, (row[to] ?? 0) + 1, (next[to - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

/** For --help. */
export function configHelp(): string {
  const lines = Object.entries(schema.shape).map(
    ([name, field]) => `  ${name}\n      ${field.description ?? ""}`,
  );
  return `The control plane is configured by environment variables:\n\n${lines.join("\n")}\n`;
}
