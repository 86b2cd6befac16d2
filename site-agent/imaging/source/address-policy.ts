// Which addresses this site fetches images from: http and https, and nothing that means "this machine" or a
// cloud's metadata service, unless its operator lists the host: as written, and as names turn out to resolve.
import { err, ok, quote } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";

/**
 * @param allowedHosts host names or addresses, as in a URL, that are fetched from whatever they are
 */
export function checkAddress(
  text: string,
  allowedHosts: readonly string[],
): Result<URL, "address"> {
  if (!URL.canParse(text)) return bad(`${quote(withoutSecrets(text))} is not a URL`);
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return bad(`${quote(showUrl(url))} is neither http nor https`);
  }
  if (allowedHosts.includes(url.hostname)) return ok(url);
  const why = forbidden(url.hostname);
  if (why === undefined) return ok(url);
  return bad(
    `${quote(url.hostname)} is ${why}; the site's operator can add it to the allowed hosts`,
  );
}

/** Whether a connection may be made to the address that a name has led to. */
export function mayConnect(
  url: URL,
  allowedHosts: readonly string[],
): (address: string) => boolean {
  return (address) => {
    if (allowedHosts.includes(url.hostname) || allowedHosts.includes(address)) return true;
    // The spelling of URLs, without an interface ("fe80::1%eth0").
    const bare = address.split("%")[0] ?? "";
    const host = bare.includes(":") ? `http://[${bare}]/` : `http://${bare}/`;
    return URL.canParse(host) && forbidden(new URL(host).hostname) === undefined;
  };
}

/** A URL for people: without user, password, query and fragment, any of which may be a secret. */
export function showUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

function withoutSecrets(text: string): string {
  return text.replace(/[?#].*$/s, "").replace(/\/\/[^/@]*@/, "//");
}

function bad(what: string): Result<never, "address"> {
  return err("address", `The image cannot be fetched: ${what}`);
}

const forbiddenNames: ReadonlySet<string> = new Set([
  "localhost",
  "metadata",
  "metadata.google.internal",
  "instance-data.ec2.internal",
]);

function forbidden(hostname: string): string | undefined {
  // URL has brought every spelling of an IPv4 address into dotted decimal.
  const name = hostname.replace(/\.$/, "").toLowerCase();
  if (forbiddenNames.has(name) || name.endsWith(".localhost")) return "a name for this machine";
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return forbiddenV4(name.split(".").map(Number));
  if (!name.startsWith("[")) return undefined;
  return forbiddenV6(groupsOf(name.slice(1, -1)));
}

function forbiddenV4([a = 0, b = 0, c = 0, d = 0]: readonly number[]): string | undefined {
  if (a === 127 || a === 0) return "this machine itself";
  if (a === 169 && b === 254) return "a link-local or metadata address";
  if (a >= 224) return "a multicast or reserved address";
  // Metadata services outside of the link-local range: Alibaba's and Oracle's.
  const whole = [a, b, c, d].join(".");
  return whole === "100.100.100.200" || whole === "192.0.0.192" ? "a metadata address" : undefined;
}

function forbiddenV6(groups: readonly number[]): string | undefined {
  const [first = 0] = groups;
  const last = groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]);
  const leading = groups.slice(0, 6).join(",");
  // IPv4-mapped, IPv4-compatible (with :: and ::1) and NAT64 addresses lead to an IPv4 address.
  if (leading === "0,0,0,0,0,65535" || leading === "100,65435,0,0,0,0") return forbiddenV4(last);
  if (leading === "0,0,0,0,0,0") return "this machine itself";
  if ((first & 0xffc0) === 0xfe80) return "a link-local address";
  if (first >= 0xff00) return "a multicast address";
  return groups.join(",") === "64768,3778,0,0,0,0,0,596" ? "a metadata address" : undefined;
}

/** The eight groups of an IPv6 address in URL's canonical spelling: hex, at most one "::". */
function groupsOf(address: string): number[] {
  const [left = "", right] = address.split("::");
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  if (right === undefined) return parse(left);
  const before = parse(left);
  const after = parse(right);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
