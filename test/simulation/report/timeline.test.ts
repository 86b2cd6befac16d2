// A run as people read it.
import { expect, test } from "vitest";
import type { Violation } from "../judges/judge.ts";
import { startMs } from "../run/world.ts";
import type { Happened, KubernetesObject, WorldEvent } from "../world/events.ts";
import { timelineOf } from "./timeline.ts";

function host(
  spec: object,
  status: object = {},
  annotations: Record<string, string> = {},
): KubernetesObject {
  const metadata = { name: "m1", namespace: "metal", uid: "u", resourceVersion: "1", annotations };
  return { kind: "BareMetalHost", metadata, spec: { ...spec }, status: { ...status } };
}

const path = "/apis/metal3.io/v1alpha1/namespaces/metal/baremetalhosts/m1";
const image = { url: "http://images.example/image-1.raw", checksum: "0".repeat(64) };
const bare = host({ online: true });
const wanted = host({ online: true, image }, {}, { "reboot.metal3.io": "" });
const provisioning = { provisioning: { state: "provisioning" }, poweredOn: true };
const at = { cluster: "cluster-1", path } as const;
const disk = { kind: "disk", machine: "m1", boot: 2, disk: "m1-d1", change: "write" } as const;

const happened: readonly Happened[] = [
  { kind: "started", process: "site-1", incarnation: 1 },
  { kind: "object", ...at, verb: "create", by: "kubectl", before: undefined, after: bare },
  { kind: "object", ...at, verb: "update", by: "kubectl", before: bare, after: wanted },
  {
    kind: "object",
    ...at,
    verb: "status",
    by: "farrier",
    before: wanted,
    after: { ...wanted, status: provisioning },
  },
  { kind: "power-command", machine: "m1", action: "on", agent: "site-1", done: false },
  { kind: "fault", fault: "agent-crash", target: "site-1" },
  { kind: "ended", process: "site-1", incarnation: 1, crash: true },
  { ...disk, offset: 0, length: 512 },
  { ...disk, offset: 512, length: 512 },
  { kind: "log", process: "site-1", level: "info", message: "dull", fields: {} },
  { kind: "object", ...at, verb: "gone", by: "kubectl", before: wanted, after: wanted },
];
const trace = happened.map((each, place): WorldEvent => ({
  ...each,
  atMs: startMs + place * 500,
  number: place + 1,
}));

test("a time line has one line an event, told by what changed, without what repeats", () => {
  const violation: Violation = {
    id: "S7",
    atMs: startMs + 3_500,
    message: "wrote to m1-d1",
    machine: "m1",
    eventNumber: 8,
  };
  const last = { ...violation, id: "L20", machine: undefined, message: "waits", eventNumber: 0 };
  expect(timelineOf(trace, [violation, last])).toEqual([
    "     0.000 s  site-1           starts (1)",
    "     0.500 s  cluster-1/m1     kubectl: create online: true",
    '     1.000 s  cluster-1/m1     kubectl: update image: image-1.raw, reboot.metal3.io: ""',
    "     1.500 s  cluster-1/m1     is provisioning, on",
    "     2.000 s  m1               BMC: on, not done (site-1)",
    "     2.500 s  site-1           FAULT agent-crash",
    "     3.000 s  site-1           CRASHES",
    "     3.500 s  m1               boot 2 changes m1-d1",
    "     3.500 s  m1               VIOLATION of S7: wrote to m1-d1",
    "     5.000 s  cluster-1/m1     gone from Kubernetes (kubectl)",
    "     3.500 s  world            VIOLATION of L20: waits",
  ]);
});
