// Keeps the control plane's secret facts true: looks at a host's Secrets when the host, its namespace, the sites or
// a labelled Secret change; at those that are missing or unusable every few seconds; at those whose changes no watch
// tells, or whose host the control plane did not know, every minute, and at all of them every five.
import type { Clock, Log } from "../../ports.ts";
import type { FollowedHosts } from "../followed-hosts.ts";
import type { Hub } from "../hub.ts";
import type { WatchEvent } from "../port.ts";
import { readingPinsOnce } from "./pins.ts";
import type { FreshFact } from "./posted-facts.ts";
import { factsOf, type FactDeps } from "./secret-facts.ts";
import { makeShownSecrets, uidOf, type ShownVersion } from "./shown-secrets.ts";

const unsettledMs = 5_000;
const unshownMs = 60_000;
const allMs = 300_000;
/** Between rounds at least, or as long as the last one took: however often something changes, half the time is left. */
const pauseMs = 10;
const retryMs = 1_000;
const maxFacts = 100;
const maxBytes = 8 * 1024 * 1024;
const labelled = "environment.metal3.io%3Dbaremetal";

export interface SecretsDeps extends FactDeps {
  readonly hub: Pick<Hub, "postSecrets">;
  readonly hosts: FollowedHosts;
  readonly clock: Clock;
  readonly log: Log;
}

export interface FollowedSecrets {
  /** Something outside Kubernetes changed, as the sites. */
  lookAgain(): void;
}

/** Goes on until the signal aborts. */
export function followSecrets(deps: SecretsDeps, signal: AbortSignal): FollowedSecrets {
  const follower = new Follower(deps, signal);
  deps.hosts.onChange((change) => follower.hostsChanged(change));
  void follower.run();
  void follower.watchLabelled();
  return follower;
}

/** Of a host, and "namespace/name" of the Secrets that it names. */
type IsDue = (uid: string, names: readonly string[]) => boolean;

interface Due {
  readonly isDue: IsDue;
  readonly shown: (name: string) => ShownVersion | undefined;
}

class Follower implements FollowedSecrets {
  private readonly deps: SecretsDeps;
  private readonly signal: AbortSignal;
  private wake = new AbortController();
  private lookAtAll = true;
  /** The control plane did not answer the last post: it was waited for, and nothing was at work. */
  private unheard = false;
  private allAtMs = -Infinity;
  private unshownAtMs = -Infinity;
  private readonly shown = makeShownSecrets();
  private readonly changedHosts = new Set<string>();
  /** "namespace/name" */
  private readonly changedSecrets = new Set<string>();
  private readonly unsettled = new Set<string>();
  /** The control plane did not know them when it was told. */
  private readonly unknown = new Set<string>();

  constructor(deps: SecretsDeps, signal: AbortSignal) {
    this.deps = deps;
    this.signal = signal;
    signal.addEventListener("abort", () => this.wake.abort(), { once: true });
  }

  lookAgain(): void {
    this.lookAtAll = true;
    this.wake.abort();
  }

  hostsChanged(change: ReadonlySet<string> | "all"): void {
    if (change === "all") this.lookAtAll = true;
    else for (const uid of change) this.changedHosts.add(uid);
    this.wake.abort();
  }

  async run(): Promise<void> {
    const { clock, log } = this.deps;
    while (!this.signal.aborted) {
      this.wake = new AbortController();
      const startedAtMs = clock.monotonicMs();
      try {
        await this.round();
      } catch (thrown) {
        this.lookAtAll = true;
        log.error("secrets not looked at", { reason: String(thrown) });
      }
      const tookMs = clock.monotonicMs() - startedAtMs;
      await clock.sleep(this.unheard ? retryMs : Math.max(pauseMs, tookMs), this.signal);
      await clock.sleep(unsettledMs, this.wake.signal);
    }
  }

  async watchLabelled(): Promise<void> {
    const { api, clock } = this.deps;
    const path = `/api/v1/secrets?labelSelector=${labelled}&timeoutSeconds=300`;
    while (!this.signal.aborted) {
      this.shown.begin();
      await api.watch(path, (event) => this.secretChanged(event), this.signal);
      await clock.sleep(1_000, this.signal);
    }
  }

  private secretChanged(event: WatchEvent): void {
    const name = this.shown.news(event);
    const gone = event.type === "DELETED" ? uidOf(event) : undefined;
    if (gone !== undefined) this.deps.versions.forget(gone);
    if (name === undefined) return;
    this.changedSecrets.add(name);
    this.wake.abort();
  }

  private async round(): Promise<void> {
    const due = this.takeDue();
    if (due !== undefined) await this.look(due);
  }

  /** @param shown tells the versions that need not be asked for */
  private async look({ isDue, shown }: Due): Promise<void> {
    const deps = { ...this.deps, api: readingPinsOnce(this.deps.api) };
    const hosts = deps.hosts.all();
    this.keepOnly(new Set(hosts.map(({ uid }) => uid)));
    const namespaces = deps.hosts.namespaces();
    let batch: FreshFact[] = [];
    for (const host of hosts) {
      if (this.signal.aborted) return;
      const names = host.secrets.map(({ name }) => `${host.namespace}/${name}`);
      if (!isDue(host.uid, names)) continue;
      const namespaceAnnotations = namespaces.get(host.namespace) ?? {};
      const facts = await factsOf(deps, { host, namespaceAnnotations }, shown);
      if (facts.isSettled) this.unsettled.delete(host.uid);
      else this.unsettled.add(host.uid);
      for (const fact of facts.fresh) {
        // Not all of a cluster's user data at once in memory.
        const full = hasRoom(batch, fact) ? [] : batch;
        if (!(await this.post(full))) return;
        batch = full.length > 0 ? [fact] : [...batch, fact];
      }
    }
    await this.post(batch);
  }

  private keepOnly(hosts: ReadonlySet<string>): void {
    this.deps.posted.keepOnly(hosts);
    for (const uids of [this.unsettled, this.unknown])
      for (const uid of uids) if (!hosts.has(uid)) uids.delete(uid);
  }

  /** What this round looks at, if anything; what changes from now on is for the next. */
  private takeDue(): Due | undefined {
    const nowMs = this.deps.clock.monotonicMs();
    const all = this.lookAtAll || nowMs - this.allAtMs >= allMs;
    const unshown = all || nowMs - this.unshownAtMs >= unshownMs;
    if (all) this.allAtMs = nowMs;
    if (unshown) this.unshownAtMs = nowMs;
    this.lookAtAll = false;
    const uids = new Set([...this.changedHosts, ...this.unsettled]);
    const secrets = new Set(this.changedSecrets);
    this.changedHosts.clear();
    this.changedSecrets.clear();
    if (!unshown && uids.size === 0 && secrets.size === 0) return undefined;
    const isNamed = (name: string): boolean =>
      secrets.has(name) || (unshown && this.shown.shown(name) === undefined);
    const isDue: IsDue = (uid, names) =>
      all || uids.has(uid) || (unshown && this.unknown.has(uid)) || names.some(isNamed);
    // A watch may have fallen silent: what it shows is not believed for ever.
    return { isDue, shown: all ? () => undefined : (name) => this.shown.shown(name) };
  }

  /** False: the control plane cannot be told now. All facts stay new, and all hosts are looked at again. */
  private async post(batch: readonly FreshFact[]): Promise<boolean> {
    if (batch.length === 0) return true;
    this.unheard = false;
    // All at once: everything else of this process stands still until they are on the disk.
    this.deps.posted.doubt(batch);
    const posted = await this.deps.hub.postSecrets({ facts: [...batch] });
    if (posted.ok) {
      const stored = new Set(posted.value);
      const isKnown = ({ hostUid, name }: FreshFact) => stored.has(hostUid) || name === "";
      this.deps.posted.remember(batch.filter(isKnown));
      for (const each of batch) {
        if (isKnown(each)) this.unknown.delete(each.hostUid);
        else this.unknown.add(each.hostUid);
      }
      return true;
    }
    this.deps.log.warn("secret facts not posted", { reason: posted.error.message });
    this.lookAtAll = true;
    this.unheard = true;
    return false;
  }
}

function hasRoom(batch: readonly FreshFact[], next: FreshFact): boolean {
  const bytes = [...batch, next].reduce((sum, fact) => sum + sizeOf(fact), 0);
  return batch.length === 0 || (batch.length < maxFacts && bytes <= maxBytes);
}

/** About: all but the sealed text is small. */
function sizeOf({ sealed }: FreshFact): number {
  return 1_024 + (sealed?.ciphertext.length ?? 0);
}
