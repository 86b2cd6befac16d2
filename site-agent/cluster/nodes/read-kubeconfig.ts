// Reads the kubeconfig of a workload cluster. It comes from a Secret that anybody of the namespace may have written:
// only what is in it counts, nothing of it runs a program, reads a file or leaves the server's certificate unchecked.
// Messages name keys, never values.
import { parse } from "yaml";
import { z } from "zod";
import { fromBase64 } from "../../../shared/bytes.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { ClusterAccess } from "../port.ts";

const fields = z.record(z.string(), z.unknown());
const named = z.object({ name: z.string() });
const kubeconfig = z.object({
  "current-context": z.string().min(1),
  contexts: z.array(named.extend({ context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(named.extend({ cluster: fields })),
  users: z.array(named.extend({ user: fields })),
});

const used = {
  cluster: ["server", "certificate-authority-data", "tls-server-name"],
  user: ["client-certificate-data", "client-key-data", "token"],
} as const;
/** Of no consequence here. */
const ignored: readonly string[] = ["disable-compression", "extensions"];

type Problem = Result<never, "kubeconfig">;
const problem = (message: string): Problem => err("kubeconfig", message);

export function readKubeconfig(text: string): Result<ClusterAccess, "kubeconfig"> {
  const parsed = kubeconfig.safeParse(parsedYaml(text));
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join(".") ?? "";
    return problem(`is not a kubeconfig${where === "" ? "" : `: look at ${where}`}`);
  }
  const { contexts, clusters, users, "current-context": current } = parsed.data;
  const context = contexts.find(({ name }) => name === current)?.context;
  const cluster = clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = users.find(({ name }) => name === context?.user)?.user;
  if (cluster === undefined || user === undefined)
    return problem("lacks the context that current-context names, or its cluster or user");
  const refused = refusedFields("cluster", cluster) ?? refusedFields("user", user);
  return refused === undefined ? accessOf(cluster, user) : problem(refused);
}

function parsedYaml(text: string): unknown {
  try {
    return parse(text, { logLevel: "silent" });
  } catch {
    return undefined;
  }
}

type Fields = z.infer<typeof fields>;

function refusedFields(part: keyof typeof used, held: Fields): string | undefined {
  const allowed: readonly string[] = [...used[part], ...ignored];
  const refused = Object.entries(held)
    .filter(([key, value]) => isSet(value) && !allowed.includes(key))
    .map(([key]) => key.slice(0, 64));
  return refused.length === 0
    ? undefined
    : `has ${refused.join(", ")} in its ${part}, which is never used; of a ${part} only ${used[part].join(", ")} count`;
}

/** `insecure-skip-tls-verify: false` and an empty text say nothing. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== "";
}

function accessOf(cluster: Fields, user: Fields): Result<ClusterAccess, "kubeconfig"> {
  const server = serverOf(cluster["server"]);
  if (server === undefined) return problem("has no https server in its cluster");
  const caPem = pemOf(cluster, "certificate-authority-data");
  if (!caPem.ok) return caPem;
  const serverName = wordOf(cluster, "tls-server-name");
  if (!serverName.ok) return serverName;
  const proof = proofOf(user);
  return proof.ok
    ? ok({ server, serverName: serverName.value, caPem: caPem.value, ...proof.value })
    : proof;
}

function serverOf(value: unknown): string | undefined {
  if (typeof value !== "string" || !URL.canParse(value)) return undefined;
  const { protocol, username, password, search, hash } = new URL(value);
  const isPlain = [username, password, search, hash].every((part) => part === "");
  return protocol === "https:" && isPlain ? value.replace(/\/+$/, "") : undefined;
}

function proofOf(user: Fields): Result<Pick<ClusterAccess, "certificate" | "token">, "kubeconfig"> {
  const cert = pemOf(user, "client-certificate-data");
  if (!cert.ok) return cert;
  const key = pemOf(user, "client-key-data");
  if (!key.ok) return key;
  const token = wordOf(user, "token");
  if (!token.ok) return token;
  const [certPem, keyPem] = [cert.value, key.value];
  if (certPem !== undefined && keyPem !== undefined)
    return ok({ certificate: { certPem, keyPem }, token: token.value });
  if (certPem !== undefined || keyPem !== undefined)
    return problem("has only one of client-certificate-data and client-key-data");
  if (token.value === undefined)
    return problem("has neither a token nor a client certificate in its user");
  return ok({ certificate: undefined, token: token.value });
}

/** Goes into a header or a handshake: visible ASCII only. */
function wordOf(held: Fields, key: string): Result<string | undefined, "kubeconfig"> {
  const value = held[key];
  if (!isSet(value)) return ok(undefined);
  return typeof value === "string" && /^[!-~]+$/.test(value)
    ? ok(value)
    : problem(`has a ${key} that cannot be one`);
}

function pemOf(held: Fields, key: string): Result<string | undefined, "kubeconfig"> {
  const value = held[key];
  if (!isSet(value)) return ok(undefined);
  const bytes = typeof value === "string" ? fromBase64(value.replaceAll(/\s/g, "")) : undefined;
  const pem = new TextDecoder().decode(bytes);
  return pem.includes("-----BEGIN ") ? ok(pem) : problem(`has a ${key} that is not PEM in base64`);
}
