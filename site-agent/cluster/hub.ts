// The control plane as the cluster link posts to it: feed batches, facts of Secrets and of Nodes, with the session's bearer.
// Any instance takes them, so this may be another URL than the socket's.
import {
  feedAnswer,
  type FeedBatch,
  type FeedResource,
  secretsAnswer,
  type NodesBody,
  type SecretsBody,
} from "../../shared/protocol/feed.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { parseJson, readText } from "../link/enrolment/read-body.ts";
import type { HttpClient } from "../ports.ts";

/** An answer that is lost is missed soon: a deletion that is forced completes within 10 s, whatever it waits for. */
const answerWithinMs = 8_000;
/** Besides, a body may take its time. */
const slowestBytesPerMs = 64;
const strangeAnswer = "the answer is not one of a control plane";

export interface Hub {
  /** Not stored: go on from the cursor. */
  postFeed(
    resource: FeedResource,
    batch: FeedBatch,
  ): Promise<Result<{ stored: boolean; cursor: string }, "unreachable" | "refused">>;
  /** The value: hosts whose facts were stored. */
  postSecrets(body: SecretsBody): Promise<Result<readonly string[], "unreachable" | "refused">>;
  postNodes(body: NodesBody): Promise<Result<void, "unreachable" | "refused">>;
}

export function makeHub(
  http: HttpClient,
  options: { url: string; cluster: string; sessionToken: string; caPem: string | undefined },
): Hub {
  const post = async (path: string, content: unknown) => {
    const body = new TextEncoder().encode(JSON.stringify(content));
    const answer = await http.request({
      method: "POST",
      url: `${options.url.replace(/\/$/, "")}/clusters/${options.cluster}/${path}`,
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${options.sessionToken}`,
      },
      body,
      keepConnection: true,
      timeoutMs: answerWithinMs + Math.ceil(body.length / slowestBytesPerMs),
      ...(options.caPem === undefined ? {} : { ca: options.caPem }),
    });
    if (!answer.ok) return err("unreachable", answer.error.message);
    const text = await readText(answer.value);
    return ok({ status: answer.value.status, text });
  };
  const postFacts = async (path: string, body: unknown) => {
    const answer = await post(path, body);
    if (!answer.ok) return answer;
    return answer.value.status === 200
      ? ok(answer.value.text)
      : err("refused", `${answer.value.status}: ${answer.value.text.slice(0, 200)}`);
  };
  return {
    async postFeed(resource, batch) {
      const answer = await post(`feed/${resource}`, batch);
      if (!answer.ok) return answer;
      const { status, text } = answer.value;
      if (status !== 200 && status !== 409)
        return err("refused", `${status}: ${text.slice(0, 200)}`);
      const parsed = feedAnswer.safeParse(parseJson(text));
      return parsed.success
        ? ok({ stored: status === 200, cursor: parsed.data.cursor })
        : err("refused", `${status}: ${strangeAnswer}`);
    },
    async postSecrets(body) {
      const answer = await postFacts("secrets", body);
      if (!answer.ok) return answer;
      const parsed = secretsAnswer.safeParse(parseJson(answer.value));
      return parsed.success ? ok(parsed.data.hosts) : err("refused", strangeAnswer);
    },
    async postNodes(body) {
      const answer = await postFacts("nodes", body);
      return answer.ok ? ok(undefined) : answer;
    },
  };
}
