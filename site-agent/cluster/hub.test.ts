import { expect, test } from "vitest";
import type { FeedObject } from "../../shared/protocol/feed.ts";
import { err } from "../../shared/result.ts";
import type { HttpRequest } from "../ports.ts";
import { makeHub } from "./hub.ts";

/** How long a post of so many characters is waited for. */
async function patienceFor(characters: number): Promise<number> {
  const requests: HttpRequest[] = [];
  const http = {
    async request(request: HttpRequest) {
      requests.push(request);
      return err("timeout" as const, "no answer");
    },
  };
  const options = {
    url: "https://hub.example",
    cluster: "east",
    sessionToken: "t",
    caPem: undefined,
  };
  const metadata = { name: "m1", uid: "u", resourceVersion: "2" };
  const object: FeedObject = { metadata, spec: { text: "x".repeat(characters) } };
  const posted = await makeHub(http, options).postFeed("baremetalhosts", {
    kind: "watch",
    fromResourceVersion: "1",
    toResourceVersion: "2",
    events: [{ type: "ADDED", object }],
  });
  expect(posted).toMatchObject({ ok: false, error: { kind: "unreachable" } });
  return requests[0]?.timeoutMs ?? 0;
}

test("a post whose answer is lost is given up soon enough to be made again within 10 s", async () => {
  expect(await patienceFor(5_000)).toBeLessThan(8_500);
});

test("a large post has the time that a slow link needs for it", async () => {
  expect(await patienceFor(2_000_000)).toBeGreaterThan(35_000);
});
