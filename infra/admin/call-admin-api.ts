// One request to the control plane's admin API. Errors say what the server said.
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

export interface AdminTarget {
  readonly url: string;
  readonly token: string;
  /** PEM of a private CA. */
  readonly ca: string | undefined;
}

export async function callAdminApi(
  target: AdminTarget,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { status, text } = await send(target, method, path, body);
  const json = parse(text);
  if (status >= 200 && status < 300) return json;
  const said = (json as { error?: string } | undefined)?.error ?? text.slice(0, 300);
  const hint = status === 401 ? "Check FARRIER_ADMIN_TOKEN." : said;
  throw new Error(`The control plane answered ${status}: ${hint}`);
}

function send(
  target: AdminTarget,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; text: string }> {
  const url = new URL(`${target.url}/admin/v1${path}`);
  const headers = { authorization: `Bearer ${target.token}`, "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers,
      timeout: 30_000,
      ...(target.ca === undefined ? {} : { ca: target.ca }),
    };
    const start = url.protocol === "https:" ? httpsRequest : httpRequest;
    const sent = start(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer within 30 s")));
    sent.on("error", (error) =>
      reject(
        new Error(
          `${target.url} cannot be reached: ${error.message}. Check FARRIER_URL and FARRIER_CA.`,
        ),
      ),
    );
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
