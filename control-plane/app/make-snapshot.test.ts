import { expect, test } from "vitest";
import { readHardware, viewClusterLink, viewSite, type SiteSurroundings } from "./make-snapshot.ts";

const nowMs = 1_000_000_000;
const key = "farrier.dev/site";
const around = (more: Partial<SiteSurroundings> = {}): SiteSurroundings => ({
  namespaceAnnotations: {},
  site: undefined,
  sites: [
    { name: "north", lastSeenMs: nowMs - 59_999 },
    { name: "south", lastSeenMs: nowMs - 60_000 },
    { name: "west", lastSeenMs: nowMs - 300_000 },
    { name: "east", lastSeenMs: undefined },
  ],
  ...more,
});

test("viewSite tells how long the site was not heard", () => {
  const connection = (site: string) => {
    const view = viewSite(around(), { [key]: site }, nowMs);
    return view.kind === "site" ? view.connection : view.reason;
  };
  expect(["north", "south", "west", "east"].map(connection)).toEqual([
    "connected",
    "degraded",
    "unreachable",
    "unreachable",
  ]);
});

test("viewSite leaves a host at its site when another one is added and nothing names one", () => {
  expect(viewSite(around(), {}, nowMs).kind).toBe("none");
  expect(viewSite(around({ site: "south" }), {}, nowMs)).toMatchObject({ name: "south" });
  expect(viewSite(around({ site: "gone" }), {}, nowMs).kind).toBe("none");
});

test("viewSite moves a host when its label or its namespace names another site", () => {
  const at = { site: "south" };
  expect(viewSite(around(at), { [key]: "north" }, nowMs)).toMatchObject({ name: "north" });
  const namespaceAnnotations = { [key]: "west" };
  expect(viewSite(around({ ...at, namespaceAnnotations }), {}, nowMs)).toMatchObject({
    name: "west",
  });
  expect(viewSite(around(at), { [key]: "nowhere" }, nowMs).kind).toBe("none");
});

test("viewClusterLink takes a link for away after 20 s of silence, and for current only when it is not behind", () => {
  const kindOf = (silentMs: number, behind: boolean) =>
    viewClusterLink({ lastSeenMs: nowMs - silentMs, behind }, nowMs).kind;
  expect([kindOf(20_000, false), kindOf(20_000, true)]).toEqual(["current", "behind"]);
  expect([kindOf(20_001, false), kindOf(20_001, true)]).toEqual(["away", "away"]);
  expect(viewClusterLink(undefined, nowMs)).toEqual({ kind: "away", lastSeenMs: 0 });
});

test("readHardware takes what people wrote and what is the host's own, not what an earlier host of its name has left", () => {
  const hardware = { hostname: "node-1" };
  const owner = { apiVersion: "metal3.io/v1alpha1", kind: "BareMetalHost", name: "h", uid: "u1" };
  const owned = { metadata: { ownerReferences: [owner] }, spec: { hardware } };
  expect(readHardware({ metadata: {}, spec: { hardware } }, "u2")).toEqual(hardware);
  expect(readHardware(owned, "u1")).toEqual(hardware);
  expect(readHardware(owned, "u2")).toBeUndefined();
  expect(readHardware(owned, undefined)).toBeUndefined();
  const byOther = { ...owned, metadata: { ownerReferences: [{ ...owner, kind: "ConfigMap" }] } };
  expect(readHardware(byOther, "u2")).toEqual(hardware);
});
