import { expect, test } from "vitest";
import { delivered } from "./made-messages.ts";
import { s27 } from "./s27-own-site.ts";
import { madeHost, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const truth = { sites: ["site-1", "site-2"] };

function at(seconds: number, site: string): Made {
  const host = madeHost();
  const metadata = { ...host.metadata, labels: { "farrier.dev/site": site } };
  return stored(seconds, { ...host, metadata });
}

function reported(seconds: number, hostUid = "u"): Made {
  const about = { agent: "site-1", seq: 1, operationId: undefined, failure: undefined };
  return { at: seconds, kind: "reported", ...about, what: "power", hostUid };
}

test("a document, an operation or a report of another site's host is a violation", () => {
  const elsewhere = at(1, "site-2");
  for (const what of ["document", "operation"] as const) {
    expect(tryJudge(s27, [elsewhere, delivered(2, what, 1)], { truth })).toEqual([
      `site-1 was given the ${what} of a host of another site: u`,
    ]);
  }
  expect(tryJudge(s27, [elsewhere, reported(2)], { truth })).toHaveLength(1);
});

test("its own hosts, hosts that have just moved, and reports of hosts that were here are none", () => {
  const events = [
    at(1, "site-1"),
    delivered(2, "document", 1),
    at(3, "site-2"),
    delivered(60, "operation", 1),
    reported(300),
    reported(301, "of nobody"),
  ];
  expect(tryJudge(s27, events, { truth })).toEqual([]);
  expect(tryJudge(s27, [...events, delivered(302, "document", 2)], { truth })).toHaveLength(1);
});
