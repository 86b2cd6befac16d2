// GET requests for images and checksum files: redirects one by one, each checked as if the user had written
// it; no content encoding; failures in words that name the server and never a query or password.
import { toBase64 } from "../../../shared/bytes.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Failure, Result } from "../../../shared/result.ts";
import type { HttpClient, HttpError, HttpResponse } from "../../ports.ts";
import type { ImageErrorKind } from "../port.ts";
import { checkAddress, mayConnect, showUrl } from "./address-policy.ts";

export interface SourceTools {
  readonly http: HttpClient;
  /** See `checkAddress`. */
  readonly allowedHosts: readonly string[];
  /** Bound for connecting, for the response's head, and for each wait for more of the body. */
  readonly stallMs: number;
}

export interface Answer {
  /** 200, 206 or 416; anything else is an error. */
  readonly response: HttpResponse;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
}

const maxRedirects = 5;
const redirects: readonly number[] = [301, 302, 303, 307, 308];

/** Follows redirects. The body is unread; whoever does not want it discards it. */
export async function get(
  tools: SourceTools,
  address: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Result<Answer, ImageErrorKind>> {
  let next = checkAddress(address, tools.allowedHosts);
  const first = next.ok ? next.value : undefined;
  for (let hops = 0; hops <= maxRedirects; hops += 1) {
    if (!next.ok) return next;
    const url = next.value;
    const answered = await tools.http.request({
      method: "GET",
      url: withoutUser(url),
      headers: { "accept-encoding": "identity", ...credentials(url, first), ...headers },
      allowAddress: mayConnect(url, tools.allowedHosts),
      timeoutMs: tools.stallMs,
      signal,
    });
    if (!answered.ok) return err(kindOf(answered.error), answered.error.message);
    const response = answered.value;
    const location = response.headers["location"];
    if (!redirects.includes(response.status) || location === undefined) {
      const wrong = refusal(response, url);
      if (wrong === undefined) return ok({ response, url });
      discard(response);
      return { ok: false, error: wrong };
    }
    discard(response);
    if (!URL.canParse(location, url.href)) {
      return err("address", `${showUrl(url)} redirects to something that is no URL`);
    }
    next = checkAddress(new URL(location, url).href, tools.allowedHosts);
  }
  return err("unreachable", `${address.split("?")[0]} redirects more than ${maxRedirects} times`);
}

/** What a client must not show: user and password stand in the Authorization header. */
function withoutUser(url: URL): string {
  const copy = new URL(url.href);
  copy.username = "";
  copy.password = "";
  copy.hash = "";
  return copy.href;
}

/** The credentials that the user wrote go to the host for which he wrote them, and to no other. */
function credentials(url: URL, first: URL | undefined): Record<string, string> {
  if (first === undefined || first.username === "" || first.origin !== url.origin) return {};
  const pair = `${decodeURIComponent(first.username)}:${decodeURIComponent(first.password)}`;
  return { authorization: `Basic ${toBase64(new TextEncoder().encode(pair))}` };
}

function refusal(response: HttpResponse, url: URL): Failure<ImageErrorKind> | undefined {
  const { status, headers } = response;
  const said = `${showUrl(url)} answered ${status}`;
  if (status !== 200 && status !== 206 && status !== 416) {
    const gone = status >= 400 && status < 500 && status !== 408 && status !== 429;
    return { kind: gone ? "not-found" : "unreachable", message: `${said}; check the address` };
  }
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity" || encoding === "") return undefined;
  return {
    kind: "format",
    message: `${said} with content encoding ${encoding}, which nobody asked for; turn it off there`,
  };
}

/** Ends a transfer that nobody wants: unread, it would keep its connection. */
export function discard(response: HttpResponse): void {
  const items = response.body[Symbol.asyncIterator]();
  // What has not begun cannot be ended.
  void items.next().then(() => items.return?.());
}

export function kindOf(error: Failure<HttpError>): ImageErrorKind {
  return error.kind === "aborted" ? "aborted" : "unreachable";
}

/** A small text, as a checksum file is. */
export async function getText(
  tools: SourceTools,
  address: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Result<string, ImageErrorKind>> {
  const answer = await get(tools, address, {}, signal);
  if (!answer.ok) return answer;
  const { response, url } = answer.value;
  if (response.status !== 200) {
    discard(response);
    return err("not-found", `${showUrl(url)} did not give a whole file`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    if (!chunk.ok) return err(kindOf(chunk.error), chunk.error.message);
    bytes += chunk.value.length;
    if (bytes > maxBytes) {
      return err(
        "checksum",
        `${showUrl(url)} has more than ${maxBytes} bytes: not a checksum file`,
      );
    }
    chunks.push(chunk.value);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return ok(new TextDecoder().decode(whole));
}
