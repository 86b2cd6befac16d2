// The agent's configuration: one schema for file, checks and help. All mistakes are told at once.
import { parse } from "yaml";
import { z } from "zod";
import { err, ok, type Result } from "../shared/result.ts";
import { siteProblems } from "./site-config.ts";

const path = z.string().startsWith("/", { error: "must be an absolute path" });
const ipv4 = z.ipv4({ error: "must be an IPv4 address" });
const httpUrl = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });
const seconds = (fallback: number) => z.number().positive().max(86_400).default(fallback);

export const agentConfig = z.strictObject({
  hub: z
    .strictObject({
      url: httpUrl.describe("the control plane, for the agent's socket"),
      feedUrl: httpUrl.optional().describe("another instance for the feed; default: hub.url"),
      caFile: path
        .optional()
        .describe("PEM of a private CA; default: the one the token names, else system roots"),
    })
    .describe("where the control plane is"),
  enrolTokenFile: path
    .optional()
    .describe("file with the single-use enrolment token; read while the agent has no identity"),
  stateDirectory: path.describe(
    "journal, documents, keys and image cache; keep it across restarts",
  ),
  site: z
    .strictObject({
      address: ipv4.describe("the agent's address on the provisioning network"),
      prefixLength: z.number().int().min(8).max(30).describe("of the provisioning network"),
      rangeFrom: ipv4.describe("first address handed to machines that are being worked on"),
      rangeTo: ipv4.describe("last one"),
      interface: z
        .string()
        .optional()
        .describe("the provisioning NIC; default: the one that has the address"),
      bootPort: z
        .number()
        .int()
        .min(1)
        .max(65_535)
        .default(8080)
        .describe("plain HTTP for boot files"),
      ramdiskPort: z.number().int().min(1).max(65_535).default(8443).describe("TLS for ramdisks"),
      bootLoaderBios: path.describe("iPXE for BIOS, undionly.kpxe"),
      bootLoaderUefi: path.describe("iPXE for UEFI, snponly.efi"),
      kernel: path.describe("the ramdisk's kernel"),
      initrds: z.array(path).min(1).describe("the ramdisk's archives, in order"),
      kernelParameters: z
        .array(z.string().regex(/^[a-z][a-z0-9._-]*=[A-Za-z0-9._:/@,-]+$/))
        .default([])
        .describe("more parameters for the ramdisk's kernel, such as console=ttyS0"),
      guardFile: path.optional().describe("the site guard: what its operator forbids (JSON)"),
      writeBytesPerSecond: z
        .number()
        .int()
        .nonnegative()
        .default(0)
        .describe("upper bound of one host's write speed; 0: none"),
      imageCacheBytes: z
        .number()
        .int()
        .positive()
        .default(50 * 1024 ** 3)
        .describe("what the image cache may hold"),
      bootSeconds: seconds(600).describe("how long a ramdisk may take from power-on to its call"),
      powerSeconds: seconds(60).describe("how long a power action may take to show"),
      softPowerOffSeconds: seconds(180).describe(
        "how long a soft power-off may take before the hard one",
      ),
    })
    .optional()
    .describe("the hardware link; absent: this agent has no site"),
  cluster: z
    .strictObject({
      kubeconfig: path.optional().describe("default: the service account of the pod"),
      conversion: z
        .strictObject({
          host: z
            .union([z.ipv4(), z.hostname().regex(/[a-z]/i)], {
              error: "must be a host name or an IPv4 address",
            })
            .describe("the name or address by which the API server reaches this agent"),
          port: z.number().int().min(1).max(65_535).default(9443).describe("TLS, for the same"),
          address: ipv4.default("0.0.0.0").describe("the address to listen on"),
        })
        .optional()
        .describe(
          "lets the API server have older versions of cluster-api kinds converted by this agent; absent: only their newest version can be read and written",
        ),
      openShift: z
        .enum(["machines", "machines-and-machinesets"])
        .optional()
        .describe(
          "what Farrier keeps of machine.openshift.io, in place of a machine-api-operator: bare-metal Machines, or also MachineSets; absent: nothing",
        ),
    })
    .optional()
    .describe("the cluster link; absent: this agent has no cluster"),
});
export type AgentConfig = z.infer<typeof agentConfig>;
export type SiteConfig = NonNullable<AgentConfig["site"]>;

/** Reads YAML or JSON. The message lists every mistake, one a line, with the field and what it wants. */
export function parseConfig(text: string, where: string): Result<AgentConfig, "config"> {
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    return err(
      "config",
      `${where} is neither YAML nor JSON: ${error instanceof Error ? error.message : ""}`,
    );
  }
  const parsed = agentConfig.safeParse(raw);
  const mistakes = [
    ...(parsed.error?.issues ?? []).map(
      ({ path, message }) => `${path.join(".") || "(whole file)"}: ${readable(message)}`,
    ),
    ...wholeProblems(raw),
  ];
  if (parsed.success && mistakes.length === 0) return ok(parsed.data);
  const lines = mistakes.map((mistake) => `  ${mistake}`);
  return err(
    "config",
    `${where} has ${lines.length} mistake(s):\n${lines.join("\n")}\nAll fields: --help`,
  );
}

function readable(message: string): string {
  return message.endsWith("received undefined") ? "is missing" : message;
}

/** What no single field can tell; parts that are wrong by themselves are left out. */
function wholeProblems(raw: unknown): readonly string[] {
  const parts = z
    .looseObject({ site: z.unknown().optional(), cluster: z.unknown().optional() })
    .safeParse(raw).data;
  if (parts === undefined) return [];
  if (parts.site === undefined && parts.cluster === undefined) {
    return ["(whole file): names neither a site nor a cluster: the agent would have nothing to do"];
  }
  const site = agentConfig.shape.site.safeParse(parts.site).data;
  return site === undefined ? [] : siteProblems(site).map((problem) => `site: ${problem}`);
}

/** The fields with their meaning, for --help. */
export function describeConfig(): string {
  return describeObject(agentConfig, "").join("\n");
}

function describeObject(schema: z.ZodType, prefix: string): string[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return describeFields(json, prefix);
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
}

function describeFields(schema: JsonSchema, prefix: string): string[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, value]) => {
    const field = value as JsonSchema;
    const fallback = field.default === undefined ? "" : ` [${JSON.stringify(field.default)}]`;
    const must = required.has(name) ? " (required)" : fallback;
    const line = `  ${prefix}${name}${must}: ${field.description ?? ""}`;
    return [
      line,
      ...(field.properties === undefined ? [] : describeFields(field, `${prefix}${name}.`)),
    ];
  });
}
