// Host documents: the newest revision wins, a removed one stays removed, the digest is what the control plane counts.
import { createHash } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import type { HostDocument } from "../../shared/protocol/host-document.ts";
import { makeNodeCrypto } from "../adapters/node-crypto.ts";
import { openNodeDatabase } from "../adapters/node-database.ts";
import { prepareDatabase } from "./database.ts";
import { makeDocuments, type Documents } from "./documents.ts";

let database: ReturnType<typeof openNodeDatabase>;
let documents: Documents;
beforeEach(() => {
  database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  documents = makeDocuments(database, makeNodeCrypto());
});

function document(hostUid: string, revision: number, hash = `h${revision}`): HostDocument {
  return {
    hostUid,
    revision,
    hash,
    spec: {
      cluster: "stable",
      namespace: "horses",
      name: hostUid,
      bmcAddress: "ipmi://192.0.2.10",
      bootMode: "UEFI",
      hold: {
        paused: false,
        detached: false,
        externallyProvisioned: false,
        disablePowerOff: false,
      },
      allocation: "",
    },
  };
}

test("a newer revision replaces an older one, and an older one never a newer", () => {
  expect(documents.store(document("u1", 2)).ok).toBe(true);
  expect(documents.store(document("u1", 3)).ok).toBe(true);
  expect(documents.store(document("u1", 2))).toMatchObject({ ok: false, error: { kind: "old" } });
  expect(documents.get("u1")?.revision).toBe(3);
});

test("what was read before is read anew when its row has changed, and only then", () => {
  documents.store(document("u1", 2));
  const first = documents.get("u1");
  expect(documents.all()[0]).toBe(first);
  database.run("UPDATE documents SET spec = replace(spec, 'horses', 'ponies')");
  expect(documents.get("u1")?.spec.namespace).toBe("ponies");
  documents.store(document("u1", 3));
  expect(documents.all()).toEqual([document("u1", 3)]);
  documents.remove("u1", 4);
  expect(documents.get("u1")).toBeUndefined();
});

test("who follows hears of each that is stored, until it has heard enough", () => {
  const heard: string[] = [];
  const stop = documents.follow(({ hostUid, revision }) => heard.push(`${hostUid} ${revision}`));
  documents.store(document("u1", 2));
  documents.store(document("u1", 1));
  documents.remove("u1", 3);
  stop();
  documents.store(document("u2", 1));
  expect(heard).toEqual(["u1 2"]);
});

test("the same revision may come again, but not with another content", () => {
  documents.store(document("u1", 2));
  expect(documents.store(document("u1", 2)).ok).toBe(true);
  expect(documents.store(document("u1", 2, "other"))).toMatchObject({
    ok: false,
    error: { kind: "conflict" },
  });
});

test("a removed document does not come back in an older revision", () => {
  documents.store(document("u1", 2));
  expect(documents.remove("u1", 3).ok).toBe(true);
  expect(documents.get("u1")).toBeUndefined();
  expect(documents.store(document("u1", 2)).ok).toBe(false);
  expect(documents.store(document("u1", 4)).ok).toBe(true);
  expect(documents.remove("u1", 3).ok).toBe(false);
  expect(documents.get("u1")?.revision).toBe(4);
});

test("the digest is over the sorted lines of what is held", () => {
  documents.store(document("b", 2));
  documents.store(document("a", 7));
  documents.store(document("c", 1));
  documents.remove("c", 2);
  const lines = "a 7 h7\nb 2 h2\n";
  expect(documents.digest()).toBe(createHash("sha256").update(lines).digest("hex"));
});

test("documents survive the agent", () => {
  documents.store(document("u1", 2));
  expect(makeDocuments(database, makeNodeCrypto()).all()).toEqual([document("u1", 2)]);
});

test("a stored document that does not fit any more counts as none", () => {
  documents.store(document("u1", 2));
  database.run("UPDATE documents SET spec = '{}' WHERE host_uid = 'u1'");
  expect(documents.get("u1")).toBeUndefined();
  expect(documents.all()).toEqual([]);
});

test("a forgotten one may begin anew, with an older revision or another content", () => {
  documents.store(document("u1", 5));
  documents.forget("u1");
  expect(documents.all()).toEqual([]);
  expect(documents.store(document("u1", 3)).ok).toBe(true);
});
