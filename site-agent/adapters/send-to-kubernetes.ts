// One request to a Kubernetes API over HTTPS, and its whole answer. Follows no redirects, retries nothing.
import { request as httpsRequest, type RequestOptions } from "node:https";
import { err, ok, type Result } from "../../shared/result.ts";
import type { KubernetesAnswer, KubernetesRequest } from "../cluster/port.ts";

export interface KubernetesServer {
  readonly server: string;
  /** Who is asking, and whom he trusts; its headers are sent too. */
  readonly options: RequestOptions;
  /** From the connection to the end of the answer. */
  readonly timeoutMs: number;
  /** A longer answer counts as none. */
  readonly maxBytes: number;
}

type Answer = Result<KubernetesAnswer, "unreachable">;

const contentTypes = {
  merge: "application/merge-patch+json",
  apply: "application/apply-patch+yaml",
  json: "application/json-patch+json",
} as const;

export async function sendToKubernetes(
  { server, options, timeoutMs, maxBytes }: KubernetesServer,
  { method, path, body, patch }: KubernetesRequest,
): Promise<Answer> {
  const failed = (reason: string): Answer =>
    err("unreachable", `The Kubernetes API at ${server} cannot be reached: ${reason}`);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...(options.headers as Readonly<Record<string, string>> | undefined),
    accept: "application/json",
    ...(text === undefined
      ? {}
      : {
          "content-type": patch === undefined ? "application/json" : contentTypes[patch],
          "content-length": Buffer.byteLength(text),
        }),
  };
  const all = { ...options, method, headers, signal: AbortSignal.timeout(timeoutMs) };
  return await new Promise<Answer>((resolve) => {
    // Throws for a certificate or key that is none.
    const sent = httpsRequest(new URL(server.replace(/\/$/, "") + path), all, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= maxBytes) chunks.push(chunk);
        else response.destroy(new Error(`its answer is longer than ${maxBytes} bytes`));
      });
      response.on("error", (error) => resolve(failed(error.message)));
      response.on("end", () => {
        const whole = Buffer.concat(chunks).toString("utf8");
        resolve(ok({ status: response.statusCode ?? 0, body: parse(whole) }));
      });
    });
    sent.on("error", (error) => resolve(failed(error.message)));
    sent.end(text);
  }).catch((thrown: unknown) => failed(thrown instanceof Error ? thrown.message : "it broke"));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
