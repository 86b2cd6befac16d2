// The parts of a site that operations work with, in memory and on a virtual clock: a BMC with a power state, a boot
// network that saw what a test says, ramdisks and images that do what a test says. Journal, documents, fences and
// lease are the real ones. Everything that was done is in `did`, in order.
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { HostDocument, HostDocumentSpec } from "../../shared/protocol/host-document.ts";
import type { ObservationBody } from "../../shared/protocol/observation.ts";
import type { Operation, OperationPayload } from "../../shared/protocol/operation.ts";
import type { DiskIdentity, MachineIdentity, StepOutcome } from "../../shared/protocol/ramdisk.ts";
import type { RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import type { SealedSecret, SecretPurpose } from "../../shared/protocol/facts/sealed-secret.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { openNodeDatabase } from "../../site-agent/adapters/node-database.ts";
import { ToldPower } from "../../site-agent/bmc/told-power.ts";
import type { Bmc, BmcErrorKind, PowerAction, SendFence } from "../../site-agent/bmc/port.ts";
import type { ImageErrorKind } from "../../site-agent/imaging/port.ts";
import { prepareDatabase } from "../../site-agent/link/database.ts";
import { makeDocuments } from "../../site-agent/link/documents.ts";
import { makeFences } from "../../site-agent/link/fences.ts";
import { makeJournal } from "../../site-agent/link/journal.ts";
import { makeLease } from "../../site-agent/link/lease.ts";
import { makeObservations } from "../../site-agent/link/observations.ts";
import type { BootSighting } from "../../site-agent/netboot/port.ts";
import { makeDispatcher } from "../../site-agent/operations/dispatcher.ts";
import type { Site } from "../../site-agent/operations/operation-context.ts";
import type { Log, LogFields } from "../../site-agent/ports.ts";
import type { RamdiskSession, RunOptions, StepResult } from "../../site-agent/sessions/port.ts";

export const hostUid = "7d4c3b1e-0000-4000-8000-000000000001";
export const mac = "52:54:00:fa:00:01";
export const identity: MachineIdentity = { serialNumber: "SN-1", macs: [mac] };
export const disk: DiskIdentity = { name: "/dev/sda", serialNumber: "D1", sizeBytes: 10_000_000 };
export const bmcAddress = "ipmi://192.0.2.10";
export const contentDigest = "c".repeat(64);
const hardware = {
  hostname: "m1",
  nics: [{ name: "eth0", mac }],
  storage: [{ ...disk, wwn: "0x5000", wwnWithExtension: "0x5000abcd" }],
};

export function secretOf(purpose: SecretPurpose): SealedSecret {
  const context = {
    cluster: "stable",
    site: "paddock",
    hostUid,
    purpose,
    secretUid: `uid-${purpose}`,
    secretVersion: "41",
    bmcAddress: purpose === "bmc" ? bmcAddress : "",
  };
  return { v: 1, keyFingerprint: "f", enc: "", ciphertext: "", context };
}

/** What a ramdisk does with a step; may ask `options.mayDestroy`. */
export type StepScript = (step: RamdiskStep, options: RunOptions) => Promise<StepResult>;

interface FakeBmc {
  on: boolean;
  /** How many reads a change takes to show. */
  lagReads: number;
  /** Actions that are accepted and have no effect. */
  deaf: readonly PowerAction[];
  /** Answers of calls; taken before anything happens. */
  fail: (call: string) => BmcErrorKind | undefined;
}

export type FakeSite = ReturnType<typeof makeFakeSite>;

export function makeFakeSite() {
  const clock = makeVirtualClock(Date.parse("2026-11-01T12:00:00Z"));
  const crypto = makeNodeCrypto();
  const did: string[] = [];
  const credentialVersions: string[] = [];
  const logged: string[] = [];
  const say = (message: string, fields?: LogFields) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { info: say, warn: say, error: say };
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  const documents = makeDocuments(database, crypto);
  const journal = makeJournal(database);
  const observations = makeObservations(database, clock, "boot-1");
  const told: ObservationBody[] = [];
  observations.onAdd(() => {
    const items = observations.takeAfter(told.length);
    told.push(...items.map(({ body }) => body));
  });
  const lease = makeLease(clock);
  lease.opened(clock.monotonicMs());
  const guard: { says: string | undefined; asked: string[] } = { says: undefined, asked: [] };
  const bmc: FakeBmc = { on: true, lagReads: 0, deaf: [], fail: () => undefined };
  const ramdisk: {
    /** Connects by itself, so long after the power came on; undefined: never. */
    arrivesAfterMs: number | undefined;
    run: StepScript;
  } = { arrivesAfterMs: 60_000, run: wellBehaved };
  const network: { sightings: BootSighting[]; strangers: string[] } = {
    sightings: [],
    strangers: [],
  };
  const image: {
    opens: Result<void, ImageErrorKind>;
    verified: Result<{ contentDigest: string }, ImageErrorKind>;
    virtualBytes: number;
  } = { opens: ok(undefined), verified: ok({ contentDigest }), virtualBytes: 1_000_000 };
  const secrets: Record<SecretPurpose, string> = {
    bmc: JSON.stringify({ username: "admin", password: "calvin" }),
    userData: "#cloud-config\n",
    networkData: "",
    metaData: "",
    preprovisioningNetworkData: "",
  };

  const sessions = makeFakeSessions(did, ramdisk, clock);
  const onPowerOn = () => sessions.poweredOn();
  const bmcBehind = makeBmc({ bmc, did, onPowerOn, toldPower: new ToldPower(clock) });
  const site: Site = {
    bmcs: {
      bmc: ({ credentialsVersion }, fence) => {
        credentialVersions.push(credentialsVersion);
        return ok(bmcBehind(fence));
      },
      close: async () => undefined,
    },
    netboot: {
      allow: (entry) => void did.push(`netboot allow ${entry.mac}`),
      withdraw: (each) => void did.push(`netboot withdraw ${each}`),
      sightings: () => network.sightings,
      strangers: () => network.strangers,
    },
    sessions,
    images: {
      async open(_source, onProgress) {
        did.push("image open");
        onProgress({ step: "Fetching", doneBytes: 1 });
        if (!image.opens.ok) return image.opens;
        return ok({
          virtualBytes: image.virtualBytes,
          dataBytes: undefined,
          frames: async function* frames() {},
          verified: Promise.resolve(image.verified),
          release: () => void did.push("image release"),
        });
      },
    },
    fences: makeFences({
      documents,
      lease,
      clock,
      guard: {
        async problem({ act }) {
          guard.asked.push(act);
          return guard.says;
        },
      },
    }),
    clock,
    crypto,
    log,
    bounds: { bootMs: 600_000, powerMs: 60_000, softPowerOffMs: 180_000, powerPollMs: 1_000 },
    writeBytesPerSecond: 0,
    openSecret: async (sealed) => ok(new TextEncoder().encode(secrets[sealed.context.purpose])),
    credentialsKey: crypto.randomBytes(32),
    ramdiskServer: { url: "https://192.0.2.1:8443", fingerprint: "ab".repeat(32) },
    offerExtents(_token) {
      did.push("extents offer");
      return { path: "/extents", withdraw: () => void did.push("extents withdraw") };
    },
  };
  const dispatcher = makeDispatcher({ site, documents, journal, observations });
  let count = 0;
  let revision = 0;

  const store = (over: Partial<HostDocumentSpec> = {}): HostDocument => {
    revision += 1;
    const document = { hostUid, revision, hash: `h${revision}`, spec: { ...spec, ...over } };
    const stored = documents.store(document);
    if (!stored.ok) throw new Error(stored.error.message);
    return document;
  };
  const made = {
    clock,
    did,
    logged,
    /** What each look at the BMC's credentials was told apart by. */
    credentialVersions,
    database,
    documents,
    journal,
    observations,
    lease,
    unconfirmed: new Set<string>(),
    guard,
    bmc,
    ramdisk,
    sessions,
    network,
    image,
    secrets,
    site,
    dispatcher,
    /** A new revision of the host's document. */
    store,
    hold: (over: Partial<HostDocumentSpec["hold"]>) => store({ hold: { ...spec.hold, ...over } }),
    order(payload: OperationPayload, over: Partial<Operation> = {}): Operation {
      count += 1;
      const classes = { register: "observe", inspect: "converge", power: "converge" } as const;
      return {
        id: `${hostUid}.${count}`,
        hostUid,
        revision,
        attempt: 1,
        validForMs: 3_600_000,
        class: payload.kind in classes ? classes[payload.kind as "power"] : "once",
        allocation: spec.allocation,
        payload,
        ...over,
      };
    },
    /** The control plane's word, every 5 s, while `work` goes on. */
    async until<T>(work: Promise<T>): Promise<T> {
      let renewing = true;
      const renew = () => {
        if (!renewing) return;
        if (made.renews) lease.answered(lease.sent());
        clock.timer(5_000, renew);
      };
      renew();
      try {
        return await clock.until(work);
      } finally {
        renewing = false;
      }
    },
    renews: true,
    /** Accepts the operation and lets time pass until it has ended. */
    async run(payload: OperationPayload, over: Partial<Operation> = {}): Promise<ObservationBody> {
      const operation = made.order(payload, over);
      dispatcher.accept(operation);
      return await made.ended(operation.id);
    },
    async ended(operationId: string): Promise<ObservationBody> {
      const end = (async () => {
        while (journal.find(operationId)?.state !== "finished") await clock.sleep(500);
      })();
      await made.until(end);
      const found = made
        .told()
        .findLast(
          (body) =>
            (body.kind === "operation-succeeded" || body.kind === "operation-failed") &&
            body.operationId === operationId,
        );
      if (found === undefined) throw new Error("the end was not reported");
      return found;
    },
    /** All observations so far. */
    told: (): readonly ObservationBody[] => told,
    /** What was done to power, boot device and ramdisk. */
    acts: () => did.filter((line) => /^(power|boot device|ramdisk)/.test(line)),
  };
  store();
  return made;
}

const spec: HostDocumentSpec = {
  cluster: "stable",
  namespace: "horses",
  name: "m1",
  bmcAddress,
  bootMACAddress: mac,
  bootMode: "UEFI",
  credentials: secretOf("bmc"),
  hold: { paused: false, detached: false, externallyProvisioned: false, disablePowerOff: false },
  allocation: "a1",
  identity,
  disks: [disk],
};

function makeBmc(deps: {
  bmc: FakeBmc;
  did: string[];
  onPowerOn: () => void;
  toldPower: ToldPower;
}): (fence: SendFence | undefined) => Bmc {
  const { bmc, did } = deps;
  let readsLeft = 0;
  let shown = bmc.on;
  const failing = (call: string) => {
    const kind = bmc.fail(call);
    return kind === undefined ? undefined : err(kind, `BMC 192.0.2.10: ${call}: ${kind}`);
  };
  const refused = (fence: SendFence | undefined) => {
    const error = fence?.();
    return error && { ok: false as const, error };
  };
  return (fence) => ({
    identify: async () =>
      failing("identify") ??
      ok({ protocol: "ipmi", manufacturerId: 32473, productId: 1, firmware: "1.02" }),
    async readPower() {
      if (readsLeft > 0) readsLeft -= 1;
      else shown = bmc.on;
      const failed = failing("readPower");
      return failed ?? ok({ on: shown, doubtful: deps.toldPower.isDoubtful(shown) });
    },
    async sendPower(action) {
      deps.toldPower.tell(action);
      const failed = failing(`power ${action}`) ?? refused(fence);
      if (failed !== undefined) return failed;
      did.push(`power ${action}`);
      if (bmc.deaf.includes(action)) return ok(undefined);
      shown = bmc.on;
      readsLeft = bmc.lagReads;
      bmc.on = action !== "off" && action !== "soft";
      if (bmc.on) deps.onPowerOn();
      return ok(undefined);
    },
    async setBootDevice({ device, persistent }) {
      const failed = failing(`boot device ${device}`) ?? refused(fence);
      if (failed === undefined) did.push(`boot device ${device}${persistent ? "" : " once"}`);
      return failed ?? ok(undefined);
    },
  });
}

function makeFakeSessions(
  did: string[],
  ramdisk: { arrivesAfterMs: number | undefined; run: StepScript },
  clock: ReturnType<typeof makeVirtualClock>,
) {
  let expected = false;
  let current: RamdiskSession | undefined;
  const waiting = new Set<(session: RamdiskSession) => void>();
  const connect = (): RamdiskSession => {
    const session: RamdiskSession = {
      hostUid,
      identity,
      connectedAtMs: clock.nowMs(),
      alive: () => current === session,
      run(step, options) {
        did.push(`ramdisk ${step.kind === "leave" ? `leave ${step.how}` : step.kind}`);
        return ramdisk.run(step, options);
      },
    };
    current = session;
    for (const arrived of waiting) arrived(session);
    return session;
  };
  return {
    /** A ramdisk that is up already. */
    connect,
    poweredOn() {
      const { arrivesAfterMs } = ramdisk;
      if (arrivesAfterMs === undefined) return;
      clock.timer(arrivesAfterMs, () => {
        if (expected) connect();
      });
    },
    expect() {
      expected = true;
      current = undefined;
    },
    forget() {
      expected = false;
      current = undefined;
    },
    session: () => current,
    waitFor(
      _hostUid: string,
      { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
    ) {
      return new Promise<Result<RamdiskSession, "timeout" | "cancelled">>((resolve) => {
        const settle = (result: Result<RamdiskSession, "timeout" | "cancelled">) => {
          waiting.delete(arrived);
          timer.cancel();
          resolve(result);
        };
        const arrived = (session: RamdiskSession) => settle(ok(session));
        const timer = clock.timer(timeoutMs, () => settle(err("timeout", "no ramdisk")));
        waiting.add(arrived);
        signal.addEventListener("abort", () => settle(err("cancelled", "given up")));
      });
    },
  };
}

/** Asks before it destroys, and succeeds. */
export const wellBehaved: StepScript = async (step, options) => {
  const asked =
    step.kind === "erase" ? step.disks : step.kind === "write" ? step.approvedDisks : undefined;
  if (asked !== undefined) {
    const answer = await options.mayDestroy({ identity, disks: asked });
    if (!answer.go) {
      const failure = { kind: "refused" as const, message: answer.reason, destroyed: false };
      return { ok: false, failure };
    }
  }
  return { ok: true, outcome: outcomeOf(step) };
};

export function outcomeOf(step: RamdiskStep): StepOutcome {
  switch (step.kind) {
    case "inspect":
      return { kind: "inspect", hardware, identity };
    case "erase":
      return {
        kind: "erase",
        disks: step.disks.map((each) => ({
          disk: each,
          ok: true,
          method: "signatures removed",
          detail: "",
          erasedBytes: 4096,
        })),
      };
    case "write":
      return {
        kind: "write",
        disk,
        writtenBytes: 1000,
        zeroedBytes: 0,
        contentDigest,
        configDrive: step.configDrive !== undefined,
        bootEntry: "Boot0002 Farrier",
      };
    case "leave":
      return { kind: "leave" };
  }
}
