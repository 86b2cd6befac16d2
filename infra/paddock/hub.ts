// A hub of one's own: two control plane instances with TLS on one embedded Postgres. Each can be killed and
// started again; both end with us.
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from "../../control-plane/entry/embedded-postgres.ts";
import {
  startBackgroundProgram,
  type BackgroundProgram,
} from "../preparation/background-program.ts";
import { makeCertificateAuthority } from "../preparation/certificates.ts";
import { freePort } from "../preparation/free-port.ts";
import { asStep, type Progress } from "../preparation/progress.ts";
import { untilReachable } from "./until-reachable.ts";

const entry = new URL("../../control-plane/entry/node.ts", import.meta.url).pathname;

export interface Instance {
  readonly url: string;
  readonly logFile: string;
  /** kill -9, at once. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface Hub {
  readonly a: Instance;
  readonly b: Instance;
  readonly caFile: string;
  readonly caPem: string;
  readonly databaseUrl: string;
  readonly adminToken: string;
  stop(): Promise<void>;
}

export async function startHub(options: {
  readonly directory: string;
  readonly address: string;
  readonly progress: Progress;
}): Promise<Hub> {
  const { directory, address, progress } = options;
  await mkdir(directory, { recursive: true });
  const authority = await makeCertificateAuthority(join(directory, "ca"), "Farrier hub", progress);
  const issued = await authority.issue({
    commonName: "farrier",
    ipAddresses: [address],
    server: true,
  });
  const certFile = join(directory, "tls.crt");
  const keyFile = join(directory, "tls.key");
  // The chain shows its CA, so that an enrolment token's fingerprint finds it there.
  await writeFile(certFile, issued.certPem + authority.certPem);
  await writeFile(keyFile, issued.keyPem, { mode: 0o600 });
  const database = await asStep(progress, "start Postgres", () =>
    startEmbeddedPostgres({ dataDirectory: join(directory, "database") }),
  );
  const adminToken = randomBytes(24).toString("hex");
  const environment = {
    FARRIER_HOST: address,
    FARRIER_TLS_CERT: certFile,
    FARRIER_TLS_KEY: keyFile,
    FARRIER_ADMIN_TOKEN: adminToken,
    DATABASE_URL: database.url,
  };
  const [a, b] = await asStep(progress, "start two control planes", async () => {
    const first = await makeInstance("a", { directory, address, environment });
    const second = await makeInstance("b", { directory, address, environment });
    return [first, second] as const;
  });
  return {
    a,
    b,
    caFile: authority.certFile,
    caPem: authority.certPem,
    databaseUrl: database.url,
    adminToken,
    stop: () => stopHub([a, b], database),
  };
}

async function stopHub(
  instances: readonly StoppableInstance[],
  database: EmbeddedPostgres,
): Promise<void> {
  await Promise.all(instances.map((instance) => instance.stop()));
  await database.stop();
}

interface StoppableInstance extends Instance {
  stop(): Promise<void>;
}

async function makeInstance(
  name: string,
  setting: {
    readonly directory: string;
    readonly address: string;
    readonly environment: Readonly<Record<string, string>>;
  },
): Promise<StoppableInstance> {
  const { directory, address, environment } = setting;
  const port = await freePort(address);
  const url = `https://${address}:${port}`;
  const logFile = join(directory, `control-plane-${name}.log`);
  const { KUBECONFIG: _unused, ...inherited } = process.env;
  let program: BackgroundProgram | undefined;
  const instance: StoppableInstance = {
    url,
    logFile,
    async start() {
      program = startBackgroundProgram(process.execPath, [entry], {
        logFile,
        env: { ...inherited, ...environment, FARRIER_PORT: String(port), FARRIER_ORIGIN: url },
      });
      await untilReachable(`${url}/readyz`, environment["FARRIER_TLS_CERT"] ?? "", () =>
        program?.failure(),
      );
    },
    kill: async () => await program?.stop(0),
    stop: async () => await program?.stop(),
  };
  await instance.start();
  return instance;
}
