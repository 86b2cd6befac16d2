// Puts the cluster link together: one follower per resource, the Secrets, the write-back. A new session starts
// them anew with its own bearer; what they remember is on disk. Names no adapter.
import type { SiteKey, Welcome } from "../shared/protocol/frames.ts";
import type { WriteBack } from "../shared/protocol/write-back.ts";
import { makeFollowedHosts } from "./cluster/followed-hosts.ts";
import { makeHub } from "./cluster/hub.ts";
import { otherOperator } from "./cluster/lease-check.ts";
import type { KubernetesApi } from "./cluster/port.ts";
import { followSecrets, forgetPosted, prepareSecretsTable } from "./cluster/secrets.ts";
import { followResource } from "./cluster/watch.ts";
import type { WriteOutcome } from "./cluster/writes/write-attempt.ts";
import { writeBackTo } from "./cluster/writes/write-back.ts";
import type { AgentDatabase, Clock, Crypto, HttpClient, Log } from "./ports.ts";

export interface ClusterPorts {
  readonly api: KubernetesApi;
  readonly http: HttpClient;
  readonly database: AgentDatabase;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
}

export interface RunningCluster {
  welcome(welcome: Welcome): void;
  sites(sites: readonly SiteKey[]): void;
  write(write: WriteBack): Promise<WriteOutcome>;
  stop(): void;
}

const tries = 5;
const retryMs = 1_000;
const leaseCheckMs = 15_000;

export function startCluster(
  ports: ClusterPorts,
  options: { readonly feedUrl: string; readonly caPem: string | undefined },
): RunningCluster {
  prepareSecretsTable(ports.database);
  const hosts = makeFollowedHosts(ports.database);
  let sites: readonly SiteKey[] = [];
  let session = new AbortController();
  let other: string | undefined;
  const run = (welcome: Welcome & { cluster: string }, signal: AbortSignal) => {
    const hub = makeHub(ports.http, {
      url: options.feedUrl,
      cluster: welcome.cluster,
      sessionToken: welcome.sessionToken,
      caPem: options.caPem,
    });
    const memory = {
      ...hosts,
      listed(resource: Parameters<typeof hosts.listed>[0], uids: readonly string[]) {
        // A list means that the control plane knew nothing: it needs the facts again, too.
        forgetPosted(ports.database);
        hosts.listed(resource, uids);
      },
    };
    for (const resource of ["namespaces", "baremetalhosts", "hardwaredata"] as const) {
      void followResource({ ...ports, hub, memory }, resource, signal);
    }
    const { cluster } = welcome;
    void followSecrets({ ...ports, hub, hosts, cluster, sites: () => sites }, signal);
    void checkLeases(ports, signal, (found) => {
      other = found;
    });
  };
  return {
    welcome(welcome) {
      session.abort();
      session = new AbortController();
      sites = welcome.sites;
      const { cluster } = welcome;
      if (cluster !== undefined) run({ ...welcome, cluster }, session.signal);
    },
    sites(changed) {
      sites = changed;
    },
    async write(write) {
      if (other !== undefined) {
        await ports.clock.sleep(retryMs);
        return { ok: false, message: other, retry: true };
      }
      return await writePatiently(ports, write);
    },
    stop: () => session.abort(),
  };
}

/** Conflicts and short outages are ridden out here; longer ones go back to the control plane's outbox. */
async function writePatiently(ports: ClusterPorts, write: WriteBack): Promise<WriteOutcome> {
  for (let left = tries; ; left--) {
    const outcome = await writeBackTo(ports.api, write);
    if (outcome.ok || !outcome.retry || left <= 1) {
      if (!outcome.ok)
        ports.log.warn("write-back failed", {
          kind: write.kind,
          host: write.uid,
          reason: outcome.message,
        });
      return outcome;
    }
    await ports.clock.sleep(retryMs);
  }
}

async function checkLeases(
  ports: ClusterPorts,
  signal: AbortSignal,
  found: (other: string | undefined) => void,
): Promise<void> {
  while (!signal.aborted) {
    const other = await otherOperator(ports.api, ports.clock);
    if (other !== undefined) ports.log.error("another operator leads", { reason: other });
    found(other);
    await ports.clock.sleep(leaseCheckMs, signal);
  }
}
