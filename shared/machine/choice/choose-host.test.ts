// Which host is chosen, and the words for why each of the others is not.
import { expect, test } from "vitest";
import { makeHostView } from "../../../test/support/machine-world.ts";
import { chooseHost, type Choice } from "./choose-host.ts";
import type { HostView } from "../snapshot.ts";

const domain = "infrastructure.cluster.x-k8s.io/failure-domain";

function choose(
  hosts: readonly HostView[],
  { failureDomain, draw = "d" }: { failureDomain?: string; draw?: string } = {},
): Choice {
  return chooseHost({
    namespace: "metal",
    uid: "m",
    matches: (labels) => labels["skip"] === undefined,
    ownerOf: ({ spec }) => (spec.consumerRef === undefined ? "nobody" : "other"),
    hosts,
    failureDomain,
    draw,
    wayOut: "add a host, or free one",
  });
}

test.each<[string, Partial<HostView>]>([
  ["is in another namespace", { namespace: "other" }], // M25
  ["is being deleted", { deleting: true }], // M22
  ["is being deleted", { gone: true }],
  ["does not match spec.hostSelector", { labels: { skip: "" } }], // M17
  ["has another consumer", { spec: { consumerRef: { name: "x" } } }], // M18
  ["has another consumer", { claimedBy: "other" }], // M27
  ["is paused", { annotations: { "baremetalhost.metal3.io/paused": "" } }], // M20
  ["is detached", { annotations: { "baremetalhost.metal3.io/detached": "" } }],
  ["is marked as unhealthy", { annotations: { "capm3.metal3.io/unhealthy": "" } }], // M21
  ["is marked as unhealthy", { annotations: { "capi.metal3.io/unhealthy": "" } }],
  ["is externally provisioned", { spec: { externallyProvisioned: true } }],
  ["has an error", { errorMessage: "no answer" }], // M19
  ["is inspecting", { state: "inspecting" }], // M16
  ["is not registered yet", { state: "" }],
  ["is not looked at yet", { state: "unknown" }],
  ["has an image already", { spec: { image: { url: "http://x" } } }],
  ["has an image already", { spec: { customDeploy: { method: "x" } } }],
])("chooseHost does not take a host that %s", (words, fields) => {
  const { candidates, explanation } = choose([makeHostView("m1", fields)]);
  expect(candidates).toEqual([]);
  expect(explanation).toBe(
    `no available host found: 1 host looked at: 1 ${words} (m1); add a host, or free one`,
  );
});

test("chooseHost takes what is ready or available, and claimed by this machine or nobody [M16]", () => {
  const hosts = [
    makeHostView("m1", { state: "ready" }),
    makeHostView("m2"),
    makeHostView("m3", { claimedBy: "m" }),
  ];
  expect(choose(hosts).candidates.toSorted()).toEqual(["uid-m1", "uid-m2", "uid-m3"]);
});

test("chooseHost counts the reasons, and names the first hosts of each", () => {
  const consumed = (name: string) => makeHostView(name, { claimedBy: "other" });
  const hosts = [
    makeHostView("m9", { state: "inspecting" }),
    ...["m4", "m2", "m1", "m3"].map(consumed),
  ];
  expect(choose(hosts).explanation).toBe(
    "no available host found: 5 hosts looked at: 4 have another consumer (m1, m2, m3, …), 1 is inspecting (m9); add a host, or free one",
  );
  expect(choose([]).explanation).toBe("there is no BareMetalHost in namespace metal; create one");
});

test("chooseHost prefers the failure domain, and does without [M24]", () => {
  const hosts = [
    makeHostView("m1"),
    makeHostView("m2", { labels: { [domain]: "east" } }),
    makeHostView("m3", { labels: { [domain]: "west" } }),
  ];
  for (const draw of ["a", "b", "c"]) {
    const { candidates } = choose(hosts, { failureDomain: "east", draw });
    expect(candidates[0]).toBe("uid-m2");
    expect(candidates).toHaveLength(3);
  }
  expect(choose(hosts, { failureDomain: "north" }).candidates).toHaveLength(3);
});

test("chooseHost prefers hosts of connected sites", () => {
  const hosts = [
    makeHostView("m1", { site: { name: "lab", connection: "unreachable" } }),
    makeHostView("m2", { site: undefined }),
    makeHostView("m3"),
  ];
  for (const draw of ["a", "b", "c"]) expect(choose(hosts, { draw }).candidates[0]).toBe("uid-m3");
});

test("chooseHost names no more of a fleet than can be claimed", () => {
  const hosts = Array.from({ length: 5000 }, (_, index) =>
    makeHostView(`m${index}`, index % 2 === 0 ? {} : { claimedBy: "other" }),
  );
  const { candidates } = choose(hosts);
  expect(candidates).toHaveLength(100);
  expect(new Set(candidates).size).toBe(100);
});

test("chooseHost leaves equal hosts to chance", () => {
  const hosts = ["m1", "m2", "m3", "m4"].map((name) => makeHostView(name));
  const first = Array.from(
    { length: 40 },
    (_, draw) => choose(hosts, { draw: `${draw}` }).candidates[0],
  );
  expect(new Set(first).size).toBe(4);
});
