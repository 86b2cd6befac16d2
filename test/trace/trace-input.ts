// The YAML file of a trace: Secrets and BareMetalHosts, as one would give them to kubectl. Says what is missing for
// a trace; what is wrong with a host is the product's to say.
import { createHash } from "node:crypto";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { parseBmcAddress } from "../../shared/metal3/bmc-address.ts";
import { parseMac } from "../../shared/mac.ts";
import { err, ok, quote } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { SimulatedBmc } from "../support/simulated-site.ts";

const metadata = z.looseObject({ name: z.string(), namespace: z.string().default("default") });
const secret = z.looseObject({
  kind: z.literal("Secret"),
  metadata,
  data: z.record(z.string(), z.string()).default({}),
  stringData: z.record(z.string(), z.string()).default({}),
});
const host = z.looseObject({
  kind: z.literal("BareMetalHost"),
  metadata,
  spec: z.looseObject({
    bmc: z.looseObject({ address: z.string(), credentialsName: z.string() }),
    bootMACAddress: z.string(),
    bootMode: z.string().optional(),
    image: z.looseObject({ url: z.string() }).optional(),
  }),
});
const document = z.discriminatedUnion("kind", [secret, host]);

export type TracedSecret = z.infer<typeof secret>;
export type TracedHost = z.infer<typeof host>;

export interface TraceInput {
  /** In the file's order, with uids. */
  readonly objects: readonly (TracedSecret | TracedHost)[];
  readonly host: TracedHost;
  /** What the host's machine has for a BMC, so that the host's own Secret opens it. */
  readonly bmc: SimulatedBmc;
  readonly mac: string;
  readonly imageOrigins: readonly string[];
}

export function readTraceInput(text: string): Result<TraceInput, "input"> {
  const objects: (TracedSecret | TracedHost)[] = [];
  for (const each of parseAllDocuments(text)) {
    const [problem] = each.errors;
    if (problem !== undefined) return err("input", problem.message);
    const raw: unknown = each.toJS();
    if (raw === null) continue;
    const parsed = document.safeParse(raw);
    if (!parsed.success) return err("input", z.prettifyError(parsed.error));
    objects.push(asStored(parsed.data));
  }
  const hosts = objects.filter((each) => each.kind === "BareMetalHost");
  const [first] = hosts;
  if (first === undefined || hosts.length > 1) {
    return err("input", `a trace follows one BareMetalHost, the file has ${hosts.length}`);
  }
  return withMachine(objects, first);
}

function withMachine(
  objects: TraceInput["objects"],
  host: TracedHost,
): Result<TraceInput, "input"> {
  const { bmc, bootMACAddress, image } = host.spec;
  const address = parseBmcAddress(bmc.address);
  if (!address.ok) return err("input", address.error.message);
  const mac = parseMac(bootMACAddress);
  if (!mac.ok) return err("input", mac.error.message);
  const named = objects.find(
    ({ kind, metadata: { name, namespace } }) =>
      kind === "Secret" && name === bmc.credentialsName && namespace === host.metadata.namespace,
  );
  const credentials = named?.kind === "Secret" ? named.data : {};
  const { scheme, host: bmcHost, port } = address.value;
  if (scheme.protocol !== "ipmi") {
    return err("input", `a trace has BMCs that speak IPMI, not ${quote(scheme.name)}`);
  }
  return ok({
    objects,
    host,
    bmc: {
      address: bmcHost,
      port,
      username: atob(credentials["username"] ?? btoa("admin")),
      password: atob(credentials["password"] ?? btoa("password")),
    },
    mac: mac.value,
    imageOrigins: image !== undefined && URL.canParse(image.url) ? [new URL(image.url).origin] : [],
  });
}

/** As the API server would store it: stringData in data, and a uid that is the same in each run. */
function asStored<T extends TracedSecret | TracedHost>(object: T): T {
  const { kind, metadata: meta } = object;
  const uid = createHash("sha256")
    .update(`${kind} ${meta.namespace}/${meta.name}`)
    .digest("hex")
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-8$4-$5");
  const stored = { ...object, metadata: { ...meta, uid } };
  if (stored.kind !== "Secret") return stored;
  const { stringData, ...rest } = stored;
  const encoded = Object.entries(stringData).map(([key, value]) => [key, btoa(value)]);
  return { ...rest, stringData: {}, data: { ...stored.data, ...Object.fromEntries(encoded) } } as T;
}
