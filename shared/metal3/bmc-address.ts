// Reads spec.bmc.address the way upstream does: scheme://host[:port]/path, scheme:host, or a bare
// host or host:port, which mean IPMI. Admission, decisions and the agent all read it here, so that
// they agree on what is one BMC. Looks nothing up.
import type { Result } from "../result.ts";
import { err, ok, quote } from "../result.ts";
import { bmcSchemes } from "./bmc-schemes.table.ts";
import type { BmcScheme } from "./bmc-schemes.table.ts";

export interface BmcAddress {
  readonly scheme: BmcScheme;
  readonly transport: "udp" | "http" | "https";
  /** Lower case; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
  /** Redfish: path of the ComputerSystem without slashes at its ends; empty: the BMC's only one. */
  readonly systemId: string;
  /** IPMI: the privilege to log in with. */
  readonly privilege: "administrator" | "operator";
  /** host:port. The same for all spellings of one physical BMC. */
  readonly endpoint: string;
  /** The endpoint with the system id: what at most one host of a site may claim. */
  readonly claim: string;
}

/**
 * Never repeats user or password of an address in an error.
 * @param text spec.bmc.address as written
 */
export function parseBmcAddress(text: string): Result<BmcAddress, "address"> {
  const { schemeText, rest } = splitScheme(text);
  const [authority = "", path = "", query = ""] = splitRest(rest);
  if (authority.includes("@")) {
    return err(
      "address",
      "bmc.address holds a user or password; put the credentials in the Secret named by bmc.credentialsName",
    );
  }
  const found = findScheme(schemeText);
  if (!found.ok) return found;
  const { scheme, transport, defaultPort } = found.value;

  const endpoint = parseAuthority(authority, text, defaultPort);
  if (!endpoint.ok) return endpoint;
  const privilege = parsePrivilege(scheme, query);
  if (!privilege.ok) return privilege;

  const { host, port } = endpoint.value;
  const systemId = scheme.protocol === "redfish" ? parseSystemId(path) : "";
  const endpointKey = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return ok({
    scheme,
    transport,
    host,
    port,
    systemId,
    privilege: privilege.value,
    endpoint: endpointKey,
    claim: `${endpointKey}/${systemId}`,
  });
}

/** "host:623" looks like a scheme, too; a known scheme wins, else digits alone are a port. */
function splitScheme(text: string): { schemeText: string; rest: string } {
  // An IPv6 address alone, without brackets, is what people type.
  if (/^[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*$/.test(text)) {
    return { schemeText: "ipmi", rest: `[${text}]` };
  }
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(\/\/)?(.*)$/s.exec(text);
  const [, name = "", slashes, rest = ""] = match ?? [];
  const isHostAndPort = slashes === undefined && /^\d+$/.test(rest) && !isKnown(name);
  if (match === null || isHostAndPort) return { schemeText: "ipmi", rest: text };
  return { schemeText: name.toLowerCase(), rest };
}

/** Authority, path and query; a fragment means nothing. */
function splitRest(rest: string): string[] {
  const match = /^([^/?#]*)([^?#]*)(?:\?([^#]*))?/s.exec(rest);
  return (match ?? []).slice(1);
}

const transportSuffix = /\+(https?)$/;

function isKnown(name: string): boolean {
  const base = name.toLowerCase().replace(transportSuffix, "");
  return bmcSchemes.some((scheme) => scheme.name === base);
}

interface FoundScheme {
  readonly scheme: BmcScheme;
  readonly transport: BmcAddress["transport"];
  readonly defaultPort: number;
}

function findScheme(name: string): Result<FoundScheme, "address"> {
  const suffix = transportSuffix.exec(name)?.[1];
  const base = name.replace(transportSuffix, "");
  const scheme = bmcSchemes.find(
    (candidate) =>
      candidate.name === base && (suffix === undefined || candidate.protocol === "redfish"),
  );
  if (scheme === undefined) {
    const known = bmcSchemes.map((candidate) => candidate.name).join(", ");
    return err(
      "address",
      `bmc.address has the unknown scheme ${quote(name)}; use one of ${known}` +
        ` (the Redfish ones also with +http or +https)`,
    );
  }
  if (scheme.protocol === "ipmi") {
    return ok({ scheme, transport: "udp", defaultPort: scheme.defaultPort });
  }
  return suffix === "http"
    ? ok({ scheme, transport: "http", defaultPort: 80 })
    : ok({ scheme, transport: "https", defaultPort: scheme.defaultPort });
}

function parseAuthority(
  authority: string,
  text: string,
  defaultPort: number,
): Result<{ host: string; port: number }, "address"> {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(authority);
  const host = match === null ? undefined : normaliseHost(match[1] ?? "");
  if (host === undefined) {
    return err(
      "address",
      `bmc.address ${quote(text)} has no valid host; write an IP address or a DNS name,` +
        " an IPv6 address in brackets",
    );
  }
  const portText = match?.[2] ?? "";
  const port = portText === "" ? defaultPort : Number(portText);
  if (!/^\d*$/.test(portText) || port < 1 || port > 65535) {
    return err(
      "address",
      `bmc.address ${quote(text)} has the port ${quote(portText)}; write a number from 1 to 65535`,
    );
  }
  return ok({ host, port });
}

/** URL knows how to shorten IPv6 and to reject IPv4 addresses out of range. */
function normaliseHost(host: string): string | undefined {
  const url = `http://${host}/`;
  if (!/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)$/.test(host) || !URL.canParse(url)) return undefined;
  const normal = new URL(url).hostname.replace(/\.$/, "");
  if (normal.startsWith("[")) return normal.slice(1, -1);
  const labels = normal.split(".");
  const valid = labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  return valid && normal.length <= 253 ? normal : undefined;
}

function parseSystemId(path: string): string {
  const trimmed = path.replace(/^\/+|\/+$/g, "");
  return trimmed === "redfish/v1" ? "" : trimmed;
}

function parsePrivilege(
  scheme: BmcScheme,
  query: string,
): Result<BmcAddress["privilege"], "address"> {
  if (scheme.protocol !== "ipmi") return ok("administrator");
  const value = /(?:^|&)privilegelevel=([^&]*)/.exec(query)?.[1]?.toLowerCase();
  if (value === undefined || value === "administrator") return ok("administrator");
  if (value === "operator") return ok("operator");
  return err(
    "address",
    `bmc.address asks for privilegelevel ${quote(value)}; use ADMINISTRATOR or OPERATOR:` +
      " less cannot switch power",
  );
}
