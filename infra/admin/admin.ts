// npm run admin -- …: what an operator tells the control plane: clusters, sites, enrolment tokens, agents.
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { callAdminApi, type AdminTarget } from "./call-admin-api.ts";
import { hostLine } from "./host-line.ts";
import { machineLine } from "./machine-line.ts";
import { ttlSeconds } from "./ttl-seconds.ts";

const usage = `npm run admin -- COMMAND

  cluster add NAME
  site add NAME
  token create [--site NAME] [--cluster NAME] [--ttl 1h] [--approve]
  agent approve ID
  agent revoke ID
  clusters | sites | agents | hosts | machines | operations

  --json    print JSON

Environment: FARRIER_URL (https://…), FARRIER_ADMIN_TOKEN, FARRIER_CA (PEM file of a private CA)`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    site: { type: "string" },
    cluster: { type: "string" },
    ttl: { type: "string" },
    approve: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function giveUp(message: string): never {
  console.error(message);
  process.exit(1);
}

function target(): AdminTarget {
  const url = process.env["FARRIER_URL"];
  const token = process.env["FARRIER_ADMIN_TOKEN"];
  const caFile = process.env["FARRIER_CA"];
  const missing = [...(url ? [] : ["FARRIER_URL"]), ...(token ? [] : ["FARRIER_ADMIN_TOKEN"])];
  if (!url || !token) giveUp(`Set ${missing.join(" and ")} first.\n\n${usage}`);
  return {
    url: url.replace(/\/$/, ""),
    token,
    ca: caFile ? readFileSync(caFile, "utf8") : undefined,
  };
}

interface Printed {
  readonly json: unknown;
  readonly text: string;
}

type Command = (name: string) => Promise<Printed>;

const commands: Readonly<Record<string, Command>> = {
  "cluster add": async (name) => {
    const { url, ...rest } = target();
    const json = (await callAdminApi({ url, ...rest }, "POST", "/clusters", { name })) as {
      admissionPath: string;
    };
    const text = `Cluster "${name}" added. URL for its ValidatingWebhookConfiguration (keep it secret):\n${url}${json.admissionPath}`;
    return { json, text };
  },
  "site add": async (name) => {
    const json = await callAdminApi(target(), "POST", "/sites", { name });
    return { json, text: `Site "${name}" added. Next: token create --site ${name}` };
  },
  "token create": createToken,
  "agent approve": async (id) => await setAgent(id, "approve"),
  "agent revoke": async (id) => await setAgent(id, "revoke"),
  clusters: async () => await list("clusters"),
  sites: async () => await list("sites"),
  agents: async () => await list("agents"),
  hosts: async () => await listPages("hosts", hostLine),
  machines: async () => await listPages("machines", machineLine),
  operations: async () => await list("operations"),
};

async function createToken(): Promise<Printed> {
  const at = target();
  const body = {
    ...(values.site === undefined ? {} : { site: values.site }),
    ...(values.cluster === undefined ? {} : { cluster: values.cluster }),
    ...(values.ttl === undefined ? {} : { ttlSeconds: readTtl(values.ttl) }),
    approve: values.approve,
  };
  const { secret } = (await callAdminApi(at, "POST", "/tokens", body)) as { secret: string };
  const ca = at.ca === undefined ? {} : { ca: fingerprintOf(at.ca) };
  const token = `farrier-${Buffer.from(JSON.stringify({ url: at.url, secret, ...ca })).toString("base64url")}`;
  return {
    json: { token },
    text: `${token}\n\nIt works once. Write it into the file that the agent's enrolTokenFile names.`,
  };
}

function readTtl(text: string): number {
  return ttlSeconds(text) ?? giveUp(`--ttl ${JSON.stringify(text)}: write 90s, 30m or 1h.`);
}

function fingerprintOf(caPem: string): string {
  return createHash("sha256").update(new X509Certificate(caPem).raw).digest("hex");
}

async function setAgent(id: string, verb: string): Promise<Printed> {
  const json = await callAdminApi(
    target(),
    "POST",
    `/agents/${encodeURIComponent(id)}/${verb}`,
    {},
  );
  return { json, text: `Agent ${id}: ${verb}d.` };
}

async function list(what: string): Promise<Printed> {
  const json = await callAdminApi(target(), "GET", `/${what}`);
  const rows = (json as Record<string, readonly Record<string, unknown>[]>)[what] ?? [];
  const text = rows.map((row) =>
    Object.entries(row)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join("  "),
  );
  return { json, text: text.join("\n") || `There are no ${what} yet.` };
}

/** All pages: the control plane answers with a thousand rows at most. */
async function listPages(what: string, line: (row: unknown) => string): Promise<Printed> {
  const rows: { uid: string }[] = [];
  for (;;) {
    const after = rows.at(-1)?.uid;
    const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
    const answer = await callAdminApi(target(), "GET", `/${what}${query}`);
    const page = (answer as Record<string, { uid: string }[]>)[what] ?? [];
    rows.push(...page);
    if (page.length < 1000) break;
  }
  return {
    json: { [what]: rows },
    text: rows.map(line).join("\n") || `There are no ${what} yet.`,
  };
}

if (values.help) {
  console.log(usage);
  process.exit(0);
}
const two = positionals.slice(0, 2).join(" ");
const one = positionals[0] ?? "";
const [command, argument] = commands[two]
  ? [commands[two], positionals[2] ?? ""]
  : [commands[one], ""];
if (command === undefined) giveUp(`There is no command "${positionals.join(" ")}".\n\n${usage}`);
try {
  const { json, text } = await command(argument);
  console.log(values.json ? JSON.stringify(json) : text);
} catch (error) {
  giveUp(error instanceof Error ? error.message : String(error));
}
