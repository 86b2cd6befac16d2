// A site in memory around a real agent: the provisioning network, BMCs with machines behind them, the files that
// the agent's host has. Takes the agent's way to its hub and to Kubernetes from outside, and any clock.
import { startBmcSimulator } from "../../infra/lab/bmc-simulator/simulator.ts";
import type { BmcSimulator } from "../../infra/lab/bmc-simulator/simulator.ts";
import { agentConfig } from "../../site-agent/config.ts";
import { openNodeDatabase } from "../../site-agent/adapters/node-database.ts";
import type { AgentPorts } from "../../site-agent/agent.ts";
import type { KubernetesApi } from "../../site-agent/cluster/port.ts";
import type { AgentConfig } from "../../site-agent/config.ts";
import type { Clock, Crypto, Files, Log } from "../../site-agent/ports.ts";
import { err } from "../../shared/result.ts";
import { makeFakeFiles } from "./fake-files.ts";
import type { MemoryNetwork } from "./memory-network.ts";
import { SimulatedMachine } from "./simulated-machine.ts";
import type { SimulatedMachineOptions } from "./simulated-machine.ts";
import { syncCompression } from "./sync-compression.ts";

export interface SimulatedSiteOptions {
  readonly clock: Clock;
  readonly network: MemoryNetwork;
  /** A Crypto of its own for each who draws randomness. */
  readonly crypto: (whose: string) => Crypto;
  readonly log: Log;
  readonly hubUrl: string;
  /** What `npm run admin -- token create` gave. */
  readonly enrolToken: string;
  /** Absent: the agent has no cluster. */
  readonly kubernetes?: KubernetesApi;
  readonly writeBytesPerSecond?: number;
}

export interface SimulatedBmc {
  /** On the site's network. */
  readonly address: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

export interface SimulatedSite {
  /** For runAgent. */
  readonly ports: AgentPorts;
  readonly config: AgentConfig;
  addMachine(
    bmc: SimulatedBmc,
    machine: Omit<SimulatedMachineOptions, "clock" | "plug">,
  ): Promise<{ readonly machine: SimulatedMachine; readonly bmc: BmcSimulator }>;
}

const address = "172.22.0.1";
const stateDirectory = "/var/lib/farrier";
const boot = "/usr/lib/farrier/boot";
const bootFiles = ["undionly.kpxe", "snponly.efi", "vmlinuz", "base.cpio", "program.cpio"];
/** What a boot file holds here is never run: the simulated machine has the program itself. */
const bootFileBytes = 64 * 1024;

export async function makeSimulatedSite(options: SimulatedSiteOptions): Promise<SimulatedSite> {
  const { clock, network, log, kubernetes } = options;
  const files = makeFakeFiles();
  for (const name of bootFiles) {
    await files.writeFile(`${boot}/${name}`, new Uint8Array(bootFileBytes).fill(name.length));
  }
  await files.writeFile("/etc/farrier/token", new TextEncoder().encode(options.enrolToken));
  await writeRamdiskCertificate(files);
  const node = network.join(address);
  return {
    ports: {
      clock,
      crypto: options.crypto("agent"),
      compression: syncCompression,
      files,
      programs: { run: async (argv) => err("missing", `there is no ${argv[0] ?? ""} here`) },
      http: node.http,
      server: node.server,
      udp: node.udp,
      duplex: node.duplexes,
      kubernetes,
      connectCluster: () => ({
        request: async () => err("unreachable", "there is no workload cluster here"),
      }),
      database: openNodeDatabase(":memory:"),
      log,
      hostname: "site-agent",
      machineBoot: { id: "first", sinceMs: () => clock.monotonicMs() },
      findCa: async () => err("ca", "there is no private CA here"),
    },
    config: makeConfig(options),
    async addMachine(bmc, machine) {
      const simulated = new SimulatedMachine({
        ...machine,
        clock,
        crypto: machine.crypto ?? options.crypto(`machine ${bmc.address}`),
        plug: () => network.join(),
      });
      const { username: name, password } = bmc;
      const simulator = await startBmcSimulator({
        address: bmc.address,
        port: bmc.port,
        users: [{ name, password, privilege: "administrator" }],
        guid: machine.systemUuid ?? "00000000-0000-4000-8000-000000000000",
        chassis: simulated,
        ports: {
          udp: network.join(bmc.address).udp,
          clock,
          crypto: options.crypto(`bmc ${bmc.address}`),
        },
      });
      return { machine: simulated, bmc: simulator };
    },
  };
}

function makeConfig(options: SimulatedSiteOptions): AgentConfig {
  return agentConfig.parse({
    hub: { url: options.hubUrl },
    enrolTokenFile: "/etc/farrier/token",
    stateDirectory,
    site: {
      address,
      prefixLength: 24,
      rangeFrom: "172.22.0.100",
      rangeTo: "172.22.0.199",
      bootLoaderBios: `${boot}/undionly.kpxe`,
      bootLoaderUefi: `${boot}/snponly.efi`,
      kernel: `${boot}/vmlinuz`,
      initrds: [`${boot}/base.cpio`, `${boot}/program.cpio`],
      kernelParameters: ["console=ttyS0"],
      writeBytesPerSecond: options.writeBytesPerSecond ?? 0,
    },
    ...(options.kubernetes === undefined ? {} : { cluster: {} }),
  });
}

/**
 * Stands where openssl would put one. It is none: the network in memory compares digests and encrypts nothing.
 */
async function writeRamdiskCertificate(files: Pick<Files, "writeFile">): Promise<void> {
  const pem = (what: string): Uint8Array =>
    new TextEncoder().encode(
      `-----BEGIN ${what}-----\n${btoa(`simulated ${what.toLowerCase()}`)}\n-----END ${what}-----\n`,
    );
  await files.writeFile(`${stateDirectory}/ramdisk.key`, pem("PRIVATE KEY"));
  await files.writeFile(`${stateDirectory}/ramdisk.crt`, pem("CERTIFICATE"));
}
