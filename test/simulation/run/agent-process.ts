// Agents of the simulated fleet: the real agent on ports that end with it. Its files and its database outlive it.
import { agentConfig } from "../../../site-agent/config.ts";
import type { AgentConfig } from "../../../site-agent/config.ts";
import { runAgent } from "../../../site-agent/agent.ts";
import type { AgentPorts } from "../../../site-agent/agent.ts";
import { openNodeDatabase } from "../../../site-agent/adapters/node-database.ts";
import type { KubernetesApi } from "../../../site-agent/cluster/port.ts";
import type { AgentDatabase, Crypto, HttpClient } from "../../../site-agent/ports.ts";
import { err, ok } from "../../../shared/result.ts";
import { makeFakeFiles } from "../../support/fake-files.ts";
import type { FakeFiles } from "../../support/fake-files.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { makeLife } from "../kernel/life.ts";
import type { CallHook, Life } from "../kernel/life.ts";
import type { Random } from "../kernel/random.ts";
import { storedCompression } from "../machines/crypto/stored-compression.ts";
import type { Segment, SegmentNode } from "../network/segment.ts";
import type { Wan } from "../network/wan.ts";
import { agentAddressOf, macOf } from "../workload/addresses.ts";
import type { GuardPlan, SitePlan } from "../workload/scenario.ts";
import type { Happened } from "../world/events.ts";
import type { Roles } from "./enrolments.ts";
import { hubUrl } from "./hub.ts";
import { copyDatabase } from "./copy-database.ts";
import {
  liveDatabase,
  liveFiles,
  liveKubernetes,
  liveLog,
  liveServer,
  liveUdp,
} from "./live-ports.ts";

export interface AgentOptions {
  /** As "site-1", which is its way to the hub, too; of a copy "site-1#2". */
  readonly name: string;
  readonly kernel: Kernel;
  readonly random: Random;
  readonly tell: (happened: Happened) => void;
  readonly wan: Wan;
  readonly crypto: (whose: string) => Crypto;
  readonly roles: Roles;
  readonly enrolToken: string;
  /** Absent: it has no site. */
  readonly site: { readonly plan: SitePlan; readonly network: Segment } | undefined;
  readonly kubernetes: KubernetesApi | undefined;
  /** It keeps OpenShift's Machines and MachineSets of its cluster. */
  readonly keepsOpenShift: boolean;
  /** What a kubeconfig leads to. */
  readonly workload: (server: string, token: string | undefined) => Pick<KubernetesApi, "request">;
  /** It begins with what this one has on its disk at that moment. */
  readonly copyOf?: AgentProcess;
  /** Told of each call of a port. */
  readonly onCall?: CallHook | undefined;
}

const stateDirectory = "/var/lib/farrier";
const tokenFile = "/etc/farrier/token";
const boot = "/usr/lib/farrier/boot";
const bootFiles = ["undionly.kpxe", "snponly.efi", "vmlinuz", "base.cpio", "program.cpio"];

const guardFile = "/etc/farrier/guard.json";

/** As an operator writes it. */
function guardText({ hostsPer10Minutes, protects }: GuardPlan, site: string): string {
  return JSON.stringify({
    "protected-macs": protects.flatMap((name) => [macOf({ name, site }), macOf({ name, site }, 1)]),
    ...(hostsPer10Minutes === undefined ? {} : { "hosts-per-10-minutes": hostsPer10Minutes }),
  });
}

export const freeBytesUsually = 2 ** 40;

export class AgentProcess {
  readonly name: string;
  readonly address: string;
  readonly database: AgentDatabase;
  /** Wall clock error besides its plan's. */
  jumpMs: number;
  /** It ends at the last of so many calls of its ports: before the call is made, or after. */
  crashAtCall: { calls: number; readonly when: "before" | "after" } | undefined;
  readonly #options: AgentOptions;
  readonly #files: FakeFiles;
  readonly #crashes: Random;
  /** Of its machine, which a copy has, too. */
  readonly #hostname: string;
  #isPrepared: boolean;
  #boots = 1;
  #incarnation = 0;
  #running:
    | {
        readonly life: Life;
        readonly node: SegmentNode | undefined;
        readonly stop: AbortController;
      }
    | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.name = options.name;
    this.#crashes = options.random.split("crashes");
    this.#hostname = options.name.split("#")[0] ?? options.name;
    const { copyOf } = options;
    this.#files = makeFakeFiles(copyOf === undefined ? undefined : copyOf.#files);
    this.database =
      copyOf === undefined ? openNodeDatabase(":memory:") : copyDatabase(copyOf.database);
    this.#isPrepared = copyOf !== undefined;
    this.jumpMs = copyOf?.jumpMs ?? 0;
    this.address = agentAddressOf(options.site?.plan.name ?? "nowhere-250");
  }

  get life(): Life | undefined {
    return this.#running?.life;
  }

  /** Undefined: it has not enrolled yet. */
  get agentId(): string | undefined {
    if (this.database.all("SELECT 1 FROM sqlite_schema WHERE name = 'settings'").length === 0) {
      return undefined;
    }
    const [row] = this.database.all("SELECT value FROM settings WHERE key = 'identity'");
    if (row === undefined) return undefined;
    return (JSON.parse(String(row["value"])) as { readonly agentId: string }).agentId;
  }

  get roles(): Roles {
    return this.#options.roles;
  }

  /** For its next start, which is now if it runs. False: there is no room on its disk. */
  async giveToken(enrolToken: string): Promise<boolean> {
    await this.#prepare();
    const text = new TextEncoder().encode(enrolToken);
    const { ok: isWritten } = await this.#files.writeFile(tokenFile, text);
    if (!isWritten || this.#running === undefined) return isWritten;
    await this.stop();
    await this.start();
    return true;
  }

  get isCopy(): boolean {
    return this.#options.copyOf !== undefined;
  }

  /** A virtual machine that was restored beside the one that it was copied from. */
  copy(): AgentProcess {
    const name = `${this.name}#2`;
    const random = this.#options.random.split("copy");
    return new AgentProcess({ ...this.#options, name, random, copyOf: this });
  }

  /** What `freeBytes` of its disk says. */
  set freeBytes(count: number) {
    this.#files.freeBytesLeft = count;
    this.#files.fault = (action) => (count === 0 && action === "write" ? "full" : undefined);
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    await this.#prepare();
    const { kernel, tell, site } = this.#options;
    this.#incarnation += 1;
    const incarnation = this.#incarnation;
    const startedMs = kernel.nowMs();
    const skewMs = (): number => {
      const { skewMs: fixed = 0, driftPpm = 0 } = site?.plan ?? {};
      return Math.round(fixed + this.jumpMs + ((kernel.nowMs() - startedMs) * driftPpm) / 1e6);
    };
    const onCall: CallHook = (life, what, when) => {
      this.#options.onCall?.(life, what, when);
      if (life.alive) this.#called(when);
    };
    const life = makeLife({ kernel, name: this.name, incarnation, onCall, skewMs });
    const node = site?.network.join(this.address, { name: this.name, agent: this.name });
    const stop = new AbortController();
    this.#running = { life, node, stop };
    tell({ kind: "started", process: this.name, incarnation });
    void this.#run(life, node, stop.signal);
  }

  async #run(life: Life, node: SegmentNode | undefined, signal: AbortSignal): Promise<void> {
    const ended = await runAgent(this.#portsOf(life, node), this.#config(), signal);
    if (!ended.ok) {
      const fields = { reason: ended.error.message };
      this.#options.tell({
        kind: "log",
        process: this.name,
        level: "error",
        message: "agent ended",
        fields,
      });
    }
  }

  #called(when: "before" | "after"): void {
    const at = this.crashAtCall;
    if (at === undefined || at.when !== when) return;
    at.calls -= 1;
    if (at.calls > 0) return;
    this.crashAtCall = undefined;
    this.crash();
  }

  /** As kill -9, or a power cut: then nobody hears of it. */
  crash(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.life.end();
    const isPowerCut = !this.#crashes.chance(0.5);
    running.node?.leave(!isPowerCut);
    if (isPowerCut) this.#boots += 1;
    const { incarnation } = running.life;
    this.#options.tell({ kind: "ended", process: this.name, incarnation, crash: true, isPowerCut });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    running.stop.abort();
    await this.#options.kernel.sleep(2_000);
    if (this.#running !== running) return;
    this.#running = undefined;
    running.life.end();
    running.node?.leave(true);
    const { incarnation } = running.life;
    this.#options.tell({ kind: "ended", process: this.name, incarnation, crash: false });
  }

  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    this.#isPrepared = true;
    const text = (what: string): Uint8Array => new TextEncoder().encode(what);
    for (const name of bootFiles) {
      await this.#files.writeFile(`${boot}/${name}`, new Uint8Array(1_200).fill(name.length));
    }
    await this.#files.writeFile(tokenFile, text(this.#options.enrolToken));
    const guard = this.#options.site?.plan.guard;
    if (guard !== undefined)
      await this.#files.writeFile(guardFile, text(guardText(guard, this.#hostname)));
    // Stand where openssl would put them; the network in memory compares digests and encrypts nothing.
    const pem = (what: string): Uint8Array =>
      text(
        `-----BEGIN ${what}-----\n${btoa(`simulated ${what.toLowerCase()} of ${this.name}`)}\n-----END ${what}-----\n`,
      );
    await this.#files.writeFile(`${stateDirectory}/ramdisk.key`, pem("PRIVATE KEY"));
    await this.#files.writeFile(`${stateDirectory}/ramdisk.crt`, pem("CERTIFICATE"));
  }

  #portsOf(life: Life, node: SegmentNode | undefined): AgentPorts {
    const { wan, kubernetes, tell, crypto } = this.#options;
    const hub = wan.clientOf(this.#hostname, life);
    const isHub = ({ url }: { readonly url: string }): boolean =>
      new URL(url).host === new URL(hubUrl).host;
    const nowhere = async () => err("unreachable" as const, "there is no such network here");
    const http: HttpClient = {
      request: (request) =>
        life.call("http.request", () =>
          isHub(request) ? hub.http.request(request) : (node?.http.request(request) ?? nowhere()),
        ),
    };
    return {
      clock: life.clock,
      crypto: crypto(`agent ${this.name} ${life.incarnation}`),
      compression: storedCompression,
      files: liveFiles(life, this.#files),
      programs: { run: async (argv) => err("missing", `there is no ${argv[0] ?? ""} here`) },
      http,
      server: liveServer(life, node?.server),
      udp: liveUdp(life, node?.udp),
      duplex: {
        connect: (request) =>
          life.call("duplex.connect", async () => {
            const opened = await hub.duplexes.connect(request);
            return opened.ok ? ok(opened.value) : opened;
          }),
      },
      kubernetes: kubernetes === undefined ? undefined : liveKubernetes(life, kubernetes),
      connectCluster: ({ server, token }) => {
        const api = this.#options.workload(server, token);
        return { request: (request) => life.call("workload.request", () => api.request(request)) };
      },
      database: liveDatabase(life, this.database),
      log: liveLog(life, (level, message, fields) =>
        tell({ kind: "log", process: this.name, level, message, fields: { ...fields } }),
      ),
      hostname: this.#hostname,
      machineBoot: {
        id: `${this.name} ${this.#boots}`,
        sinceMs: () => this.#options.kernel.nowMs(),
      },
      findCa: async () => err("ca", "there is no private CA here"),
    };
  }

  #config(): AgentConfig {
    const { site, kubernetes, keepsOpenShift } = this.#options;
    const openShift = keepsOpenShift ? { openShift: "machines-and-machinesets" } : {};
    const network = this.address.split(".").slice(0, 2).join(".");
    return agentConfig.parse({
      hub: { url: hubUrl },
      enrolTokenFile: tokenFile,
      stateDirectory,
      ...(site === undefined
        ? {}
        : {
            site: {
              address: this.address,
              prefixLength: 16,
              rangeFrom: `${network}.200.1`,
              rangeTo: `${network}.200.250`,
              bootLoaderBios: `${boot}/undionly.kpxe`,
              bootLoaderUefi: `${boot}/snponly.efi`,
              kernel: `${boot}/vmlinuz`,
              initrds: [`${boot}/base.cpio`, `${boot}/program.cpio`],
              writeBytesPerSecond: 64 * 1024,
              ...(site.plan.guard === undefined ? {} : { guardFile }),
            },
          }),
      ...(kubernetes === undefined ? {} : { cluster: openShift }),
    });
  }
}
