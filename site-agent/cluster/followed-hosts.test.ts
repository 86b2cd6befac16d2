// What the cluster link remembers of hosts: names of Secrets and nothing of them, across restarts.
import { beforeEach, expect, test } from "vitest";
import type { FeedObject } from "../../shared/protocol/feed.ts";
import { openNodeDatabase } from "../adapters/node-database.ts";
import { prepareDatabase } from "../link/database.ts";
import { makeFollowedHosts, type FollowedHosts, type HostChange } from "./followed-hosts.ts";

let database: ReturnType<typeof openNodeDatabase>;
let followed: FollowedHosts;
let changes: unknown[];
beforeEach(() => {
  database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  followed = makeFollowedHosts(database);
  changes = [];
  followed.onChange((change: HostChange) => changes.push(change === "all" ? "all" : [...change]));
});

function host(name: string, spec: object = {}, metadata: object = {}): FeedObject {
  return {
    metadata: { name, namespace: "horses", uid: `uid-${name}`, resourceVersion: "1", ...metadata },
    spec: { bmc: { address: "ipmi://192.0.2.10", credentialsName: `${name}-bmc` }, ...spec },
  };
}
const namespace = (annotations: object): FeedObject => ({
  metadata: { name: "horses", uid: "ns", resourceVersion: "1", annotations },
});

test("a host is remembered by the Secrets that it names in its own namespace", () => {
  const spec = {
    userData: { name: "user", namespace: "horses" },
    networkData: { name: "net" },
    metaData: { name: "stolen", namespace: "other" },
    preprovisioningNetworkDataName: "pre",
  };
  followed.changed("baremetalhosts", [host("m1", spec)], []);
  expect(followed.all()).toMatchObject([
    {
      uid: "uid-m1",
      bmcAddress: "ipmi://192.0.2.10",
      deleting: false,
      secrets: [
        { purpose: "bmc", name: "m1-bmc" },
        { purpose: "userData", name: "user" },
        { purpose: "networkData", name: "net" },
        { purpose: "preprovisioningNetworkData", name: "pre" },
      ],
    },
  ]);
});

test("hosts are remembered across restarts, and that a list was taken whole", () => {
  followed.changed("baremetalhosts", [host("m1")], []);
  expect(followed.isComplete("baremetalhosts")).toBe(false);
  followed.listed("baremetalhosts", ["uid-m1"], false);
  const after = makeFollowedHosts(database);
  expect(after.all()).toHaveLength(1);
  expect(after.isComplete("baremetalhosts")).toBe(true);
  expect(after.isComplete("namespaces")).toBe(false);
});

test("a list that was begun and not taken whole is needed once more, by the next process, too", () => {
  followed.listed("baremetalhosts", [], false);
  followed.listing("baremetalhosts");
  expect(makeFollowedHosts(database).isComplete("baremetalhosts")).toBe(false);
  followed.listed("baremetalhosts", [], false);
  expect(makeFollowedHosts(database).isComplete("baremetalhosts")).toBe(true);
});

test("a list forgets what it does not name", () => {
  followed.changed("baremetalhosts", [host("m1"), host("m2")], []);
  followed.listed("baremetalhosts", ["uid-m2"], false);
  expect(followed.all().map(({ name }) => name)).toEqual(["m2"]);
});

test("changes that matter to Secrets are told, those of the status are not", () => {
  followed.changed("baremetalhosts", [host("m1")], []);
  followed.changed("baremetalhosts", [{ ...host("m1"), status: { poweredOn: true } }], []);
  followed.changed("baremetalhosts", [host("m1", {}, { labels: { "farrier.dev/site": "a" } })], []);
  followed.changed("baremetalhosts", [], ["uid-m1", "uid-never-seen"]);
  expect(changes).toEqual([["uid-m1"], ["uid-m1"], ["uid-m1"]]);
});

test("an annotation of a namespace concerns all its hosts", () => {
  followed.changed("namespaces", [namespace({ "farrier.dev/site": "a" })], []);
  followed.changed("namespaces", [namespace({ "farrier.dev/site": "a" })], []);
  expect(changes).toEqual(["all"]);
  expect(followed.namespaces().get("horses")).toEqual({ "farrier.dev/site": "a" });
});

test("a host that is not understood any more names no Secrets", () => {
  followed.changed("baremetalhosts", [host("m1")], []);
  followed.changed("baremetalhosts", [{ ...host("m1"), spec: { bmc: "odd" } }], []);
  expect(followed.all()).toEqual([]);
});

test("of the machine side it is remembered only that a list was taken whole", () => {
  const machine = { metadata: { name: "worker-1", uid: "uid-1", resourceVersion: "1" } };
  followed.changed("metal3machines", [machine], ["uid-0"]);
  expect(followed.isComplete("metal3machines")).toBe(false);
  followed.listed("metal3machines", ["uid-1"], false);
  expect(makeFollowedHosts(database).isComplete("metal3machines")).toBe(true);
  expect(followed.isComplete("metal3clusters")).toBe(false);
  expect(database.all("SELECT uid FROM followed")).toEqual([]);
  expect(changes).toEqual([]);
});

test("how far the control plane has come is remembered over a restart", () => {
  expect(followed.reached("baremetalhosts")).toBe("");
  followed.reach("baremetalhosts", "7");
  expect(makeFollowedHosts(database).reached("baremetalhosts")).toBe("7");
  expect(makeFollowedHosts(database).reached("namespaces")).toBe("");
});
