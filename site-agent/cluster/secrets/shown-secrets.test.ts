import { expect, test } from "vitest";
import type { WatchEvent } from "../port.ts";
import { makeShownSecrets } from "./shown-secrets.ts";

function secret(version: string, type = "ADDED", uid = "u"): WatchEvent {
  return {
    type,
    object: { metadata: { name: "bmc", namespace: "horses", uid, resourceVersion: version } },
  };
}

test("a Secret is news when it is shown first, or is another than before", () => {
  const shown = makeShownSecrets();
  expect(shown.news(secret("1"))).toBe("horses/bmc");
  expect(shown.news(secret("1"))).toBeUndefined();
  expect(shown.news(secret("2", "MODIFIED"))).toBe("horses/bmc");
  expect(shown.news(secret("2", "ADDED", "another"))).toBe("horses/bmc");
  expect(shown.news(secret("3", "DELETED", "another"))).toBe("horses/bmc");
  expect(shown.shown("horses/bmc")).toBeUndefined();
});

test("a watch that begins anew tells what has changed meanwhile, and that only", () => {
  const shown = makeShownSecrets();
  shown.news(secret("1"));
  expect(shown.shown("horses/bmc")).toEqual({ uid: "u", resourceVersion: "1" });
  shown.begin();
  shown.begin();
  expect(shown.shown("horses/bmc")).toBeUndefined();
  expect(shown.news(secret("1"))).toBeUndefined();
  expect(shown.shown("horses/bmc")).toEqual({ uid: "u", resourceVersion: "1" });
  shown.begin();
  expect(shown.news(secret("2"))).toBe("horses/bmc");
});

test("what is no Secret is no news", () => {
  const shown = makeShownSecrets();
  expect(shown.news({ type: "BOOKMARK", object: { metadata: { resourceVersion: "9" } } })).toBe(
    undefined,
  );
  expect(shown.news({ type: "ERROR", object: { code: 410 } })).toBeUndefined();
});
