// Random statements of the cluster link: feeds and facts about Secrets.
import {
  feedResource,
  machineResource,
  type FeedBatch,
  type FeedObject,
} from "../../../../shared/protocol/feed.ts";
import type { SecretFact } from "../../../../shared/protocol/facts/secret-fact.ts";
import { keyOf } from "../../../simulation/store/rows.ts";
import { machineObjectOf } from "./machine-objects.ts";
import {
  annotationNames,
  clusters,
  hostUids,
  namespaces,
  numberOf,
  rowOf,
  senderOf,
  textOf,
  type Draw,
  type Statement,
} from "./draw.ts";

type Resource = (typeof feedResource.options)[number];

export function applyFeed(draw: Draw): Statement {
  const { random, tables } = draw;
  const sender = senderOf(draw);
  const resource = random.pick<Resource>([
    ...feedResource.options,
    "baremetalhosts",
    "baremetalhosts",
  ]);
  const key = keyOf(sender.cluster, resource);
  const cursor = (tables.feeds.get(key) ?? tables.machine_feeds.get(key))?.cursor ?? "";
  const isList = cursor === "" ? random.chance(0.9) : random.chance(0.35);
  const objects = Array.from({ length: random.below(4) }, () => objectOf(draw, resource));
  const batch = isList ? listOf(draw, cursor, objects) : watchOf(draw, cursor, objects);
  return {
    name: "applyFeed",
    given: { sender, resource, batch },
    run: (store) => store.applyFeed(sender, resource, batch),
  };
}

function listOf(draw: Draw, cursor: string, items: FeedObject[]): FeedBatch {
  const { random } = draw;
  // An older one: the cluster was restored from a backup.
  const isOlder = random.chance(0.15) && Number(cursor) > 10;
  const resourceVersion = String(isOlder ? Number(cursor) - 1 - random.below(9) : draw.next());
  const listId = `list-${random.below(4)}`;
  return { kind: "list", listId, resourceVersion, items, last: random.chance(0.6) };
}

function watchOf(draw: Draw, cursor: string, objects: readonly FeedObject[]): FeedBatch {
  const { random } = draw;
  return {
    kind: "watch",
    fromResourceVersion: random.chance(0.9) ? cursor : String(random.below(99)),
    toResourceVersion: String(draw.next()),
    events: objects.map((object) => ({
      type: random.pick(["ADDED", "MODIFIED", "MODIFIED", "DELETED"]),
      object,
    })),
  };
}

/** As it is stored, again; with another status; an older form; or a new one. */
function objectOf(draw: Draw, resource: Resource): FeedObject {
  const { random } = draw;
  const version = random.chance(0.9) ? draw.next() : Math.max(1, draw.next() - random.below(200));
  const known = random.chance(0.3) ? knownObject(draw, resource) : undefined;
  if (known !== undefined) return random.chance(0.5) ? known : withStatus(draw, known, version);
  const ofMachineSide = machineResource.safeParse(resource);
  if (ofMachineSide.success) return machineObjectOf(draw, ofMachineSide.data, version);
  return resource === "namespaces"
    ? namespaceOf(draw, version)
    : hostObjectOf(draw, resource, version);
}

function knownObject(draw: Draw, resource: Resource): FeedObject | undefined {
  const { hosts, objects, machines } = draw.tables;
  if (resource === "baremetalhosts") return rowOf(draw, hosts)?.object;
  const rows = [...objects.values(), ...machines.values()];
  const known = rows.filter((row) => row.resource === resource);
  return known.length === 0 ? undefined : draw.random.pick(known).object;
}

/** A host, or its HardwareData. */
function hostObjectOf(draw: Draw, resource: Resource, version: number): FeedObject {
  const { random } = draw;
  const prefix = resource === "hardwaredata" ? "hardware-" : "";
  return {
    kind: resource,
    metadata: {
      name: `name-${random.below(5)}`,
      namespace: random.pick(namespaces),
      uid: `${prefix}${random.pick(hostUids)}`,
      resourceVersion: String(version),
      labels: random.chance(0.5) ? undefined : { rack: random.pick(["one", "two"]) },
      annotations: random.chance(0.5) ? undefined : { [random.pick(annotationNames)]: "" },
    },
    spec: {
      online: random.chance(0.5),
      consumerRef: random.chance(0.3) ? { kind: "Metal3Machine", name: "m" } : undefined,
      bmc: { address: textOf(draw), nothing: null },
      number: numberOf(draw),
      list: [undefined, { gone: undefined }],
    },
  };
}

/** A newer form, with nothing new but its status: mostly the one that was decided, or another of its state. */
function withStatus(draw: Draw, object: FeedObject, version: number): FeedObject {
  const metadata = { ...object.metadata, resourceVersion: String(version) };
  const { hosts, machines } = draw.tables;
  const decided = (hosts.get(metadata.uid) ?? machines.get(metadata.uid))?.memory?.status;
  if (decided !== undefined && draw.random.chance(0.8)) {
    const isOther = draw.random.chance(0.4);
    return { ...object, metadata, status: isOther ? { ...decided, errorCount: 7 } : decided };
  }
  const initialization = draw.random.chance(0.3) ? { infrastructureProvisioned: true } : undefined;
  return { ...object, metadata, status: { number: numberOf(draw), initialization } };
}

function namespaceOf(draw: Draw, version: number): FeedObject {
  const { random } = draw;
  const name = random.pick(namespaces);
  const annotations = { "farrier.dev/site": random.pick(["lab", "shed"]) };
  return {
    metadata: {
      name,
      uid: `namespace-${name}-${random.below(2)}`,
      resourceVersion: String(version),
      ...(random.chance(0.7) ? { annotations } : {}),
    },
  };
}

export function applySecrets(draw: Draw): Statement {
  const { random } = draw;
  const cluster = random.pick(clusters);
  const facts = Array.from({ length: random.below(4) }, (): SecretFact => {
    const found = random.chance(0.5);
    return {
      hostUid: random.pick(hostUids),
      purpose: random.pick(["bmc", "userData", "networkData"]),
      name: random.chance(0.7) ? `secret-${random.below(3)}` : "",
      found,
      ...(random.chance(0.5) ? { digest: String(draw.next()) } : {}),
      ...(found ? { uid: "u", resourceVersion: String(draw.next()) } : { problem: textOf(draw) }),
    };
  });
  return {
    name: "applySecrets",
    given: { cluster, facts },
    run: (store) => store.applySecrets(cluster, facts),
  };
}
