// Puts the hardware link together: BMCs, boot network, ramdisk server, images, operations. Names no adapter.
import { err, ok, type Result } from "../shared/result.ts";
import { ramdiskPath } from "../shared/protocol/ramdisk.ts";
import { makeBmcFleet } from "./bmc/bmc-fleet.ts";
import type { LoginMemory } from "./bmc/login-budget.ts";
import type { SiteConfig } from "./config.ts";
import { makeImages } from "./imaging/images.ts";
import { makeFences } from "./link/fences.ts";
import type { Identity } from "./link/identity.ts";
import type { Documents } from "./link/documents.ts";
import type { Journal } from "./link/journal.ts";
import type { Lease } from "./link/lease.ts";
import type { Observations } from "./link/observations.ts";
import { keepSteady, type SteadyClock } from "./link/memory/steady-clock.ts";
import { makeSiteGuard } from "./link/site-guard.ts";
import type { GuardMemory } from "./link/site-guard.ts";
import { makeNetboot } from "./netboot/netboot.ts";
import { makeDispatcher, type Dispatcher } from "./operations/dispatcher.ts";
import { makeExtentOffers } from "./sessions/extent-offers.ts";
import { openSecret } from "./operations/steps/open-secret.ts";
import type { Site } from "./operations/operation-context.ts";
import { runPowerPoll } from "./operations/power-poll.ts";
import { serverCertificate } from "./server-certificate.ts";
import { reportStrangers } from "./operations/report-strangers.ts";
import type {
  Clock,
  Compression,
  Crypto,
  Files,
  HttpClient,
  HttpServer,
  Log,
  Programs,
  Udp,
} from "./ports.ts";
import { imagingConfig, netbootConfig } from "./site-config.ts";
import { makeRamdiskSessions } from "./sessions/ramdisk-sessions.ts";

export interface SitePorts {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly compression: Compression;
  readonly files: Files;
  readonly programs: Programs;
  readonly http: HttpClient;
  readonly server: HttpServer;
  readonly udp: Udp;
  readonly log: Log;
}

export interface SiteState {
  readonly identity: Identity;
  readonly documents: Documents;
  readonly journal: Journal;
  readonly observations: Observations;
  readonly lease: Lease;
  readonly unconfirmed: ReadonlySet<string>;
  readonly loginMemory: (bmc: string) => LoginMemory;
  readonly guardMemory: GuardMemory;
  readonly steady: SteadyClock;
}

export interface RunningSite {
  readonly dispatcher: Dispatcher;
  forgetHost(hostUid: string): void;
  /** As the site guard's. */
  othersWorked(agoMs: number): void;
  stop(): Promise<void>;
}

export async function startSite(
  ports: SitePorts,
  state: SiteState,
  config: SiteConfig & { readonly stateDirectory: string },
): Promise<Result<RunningSite, "start">> {
  const certificate = await serverCertificate(ports, {
    directory: config.stateDirectory,
    name: "ramdisk",
  });
  if (!certificate.ok) return err("start", certificate.error.message);
  const parts = makeParts(ports, state, config, certificate.value.fingerprint);
  const { site, guard, netboot, sessions, extents } = parts;
  const dispatcher = makeDispatcher({ site, ...state });
  dispatcher.recover();
  const started = await netboot.start();
  if (!started.ok) return err("start", started.error.message);
  const boot = await ports.server.listen({
    address: config.address,
    port: config.bootPort,
    handle: (request) => netboot.handleHttp(request),
  });
  if (!boot.ok) return err("start", boot.error.message);
  const ramdisks = await ports.server.listen({
    address: config.address,
    port: config.ramdiskPort,
    tls: certificate.value,
    handle: async (request) => extents.handle(request) ?? { status: 404 },
    upgrade: (request, duplex) => {
      if (request.path === ramdiskPath) sessions.upgrade(request, duplex);
      else duplex.close(1008, "unknown path");
    },
  });
  if (!ramdisks.ok) return err("start", ramdisks.error.message);
  const background = new AbortController();
  void keepSteady(state.steady, ports.clock, background.signal);
  void runPowerPoll({ site, dispatcher, ...state }, background.signal);
  void reportStrangers({ ...ports, netboot, observations: state.observations }, background.signal);
  return ok({
    dispatcher,
    forgetHost(hostUid) {
      // A step that is running on it cannot be told to stop without its session.
      if (!dispatcher.isBusy(hostUid)) sessions.forget(hostUid);
    },
    othersWorked: (agoMs) => guard.othersWorked(agoMs),
    async stop() {
      background.abort();
      netboot.stop();
      await Promise.all([boot.value.close(), ramdisks.value.close(), site.bmcs.close()]);
    },
  });
}

/** Everything of the site, not started yet. */
function makeParts(
  ports: SitePorts,
  state: SiteState,
  config: SiteConfig & { readonly stateDirectory: string },
  fingerprint: string,
) {
  const { clock, crypto, log, files, udp } = ports;
  // The same over restarts.
  const credentialsKey = crypto.hmac(
    "sha256",
    state.identity.sealingPrivateKey,
    new TextEncoder().encode("names of credentials"),
  );
  const isAlone = () => state.lease.isAlone();
  const logins = {
    memoryOf: state.loginMemory,
    clock: state.steady,
    key: credentialsKey,
    isAlone,
    isTaken: () => state.lease.isTaken(),
  };
  const bmcs = makeBmcFleet({ udp, clock, crypto, log, logins });
  const sessions = makeRamdiskSessions({ clock, crypto, log });
  const netboot = makeNetboot({ udp, files, clock, log, config: netbootConfig(config) });
  const images = makeImages({ ...ports, config: imagingConfig(config, config.stateDirectory) });
  const extents = makeExtentOffers();
  const guard = makeSiteGuard(
    { files, clock: state.steady, memory: state.guardMemory },
    config.guardFile,
  );
  const site: Site = {
    bmcs,
    netboot,
    sessions,
    images,
    clock,
    crypto,
    log,
    fences: makeFences({ ...state, clock, guard }),
    bounds: {
      bootMs: config.bootSeconds * 1000,
      powerMs: config.powerSeconds * 1000,
      softPowerOffMs: config.softPowerOffSeconds * 1000,
      powerPollMs: 1_000,
    },
    writeBytesPerSecond: config.writeBytesPerSecond,
    openSecret: (sealed, use) =>
      openSecret({ crypto, privateKey: state.identity.sealingPrivateKey }, sealed, use),
    credentialsKey,
    ramdiskServer: {
      url: `https://${config.address}:${config.ramdiskPort}`,
      fingerprint: fingerprint,
    },
    offerExtents: (token, frames) => extents.offer(token, frames),
  };
  return { site, guard, netboot, sessions, extents };
}
