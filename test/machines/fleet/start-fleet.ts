// A whole paddock for one file of tests, with what a person has at hand: kubectl and its watch. The folder with
// all logs stays where a test has failed, and is named then.
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach } from "vitest";
import { startPaddock } from "../../../infra/paddock/paddock.ts";
import type { Paddock, PaddockOptions } from "../../../infra/paddock/paddock.ts";
import { terminalProgress } from "../../../infra/preparation/progress.ts";
import { describeHost, namespace, stateOf } from "./host-object.ts";
import type { HostObject } from "./host-object.ts";
import { until } from "./until.ts";
import { watchHosts } from "./watch-hosts.ts";
import type { HostWatch } from "./watch-hosts.ts";

export interface KubernetesEvent {
  readonly metadata: { readonly resourceVersion: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

export interface Fleet {
  readonly paddock: Paddock;
  readonly directory: string;
  /** What is put here can be fetched by the machines. */
  readonly imageDirectory: string;
  readonly watch: HostWatch;
  /** kubectl in the hosts' namespace; stdout. Throws when it fails. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** kubectl apply; the warnings. */
  apply(...objects: readonly object[]): Promise<string>;
  /** Merges into the host's spec; the warnings. */
  patch(name: string, spec: object): Promise<string>;
  get<T>(kind: string, name: string): Promise<T>;
  /** Events about the host, oldest first. */
  events(name: string): Promise<readonly KubernetesEvent[]>;
  untilHost(
    name: string,
    patience: { readonly fact: string; readonly seconds: number },
    isRight: (host: HostObject | undefined) => boolean,
  ): Promise<HostObject | undefined>;
  untilState(name: string, state: string, seconds: number): Promise<void>;
}

type Options = Omit<PaddockOptions, "directory" | "progress" | "imageDirectory"> & {
  /** File name that machines fetch it by → path. */
  readonly images: Readonly<Record<string, string>>;
  /** Before anything is switched on: the place to fill disks. */
  readonly prepare?: (paddock: Paddock) => Promise<void>;
};

/** To be called in beforeAll; ends by itself after the file's last test. */
export async function startFleet({ prepare, images, ...options }: Options): Promise<Fleet> {
  const directory = await mkdtemp(join(tmpdir(), "farrier-m-"));
  ending.push({ directory });
  const imageDirectory = join(directory, "images");
  await mkdir(imageDirectory);
  for (const [name, path] of Object.entries(images)) {
    await symlink(path, join(imageDirectory, name));
  }
  const progress = terminalProgress();
  const paddock = await startPaddock({ ...options, directory, imageDirectory, progress });
  ending.push({ paddock });
  await Promise.all([prepare?.(paddock), paddock.join()]);
  const { kubernetes } = paddock;
  const run = async (args: readonly string[], input?: string) => {
    const { code, stdout, stderr } = await kubernetes.kubectl(
      [`--namespace=${namespace}`, ...args],
      { timeoutMs: 180_000, ...(input === undefined ? {} : { input }) },
    );
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    return { stdout, stderr };
  };
  await run(["create", "namespace", namespace]);
  const watch = watchHosts(kubernetes);
  ending.push({ watch });
  return makeFleet({ paddock, directory, imageDirectory, watch }, run);
}

type RunKubectl = (
  args: readonly string[],
  input?: string,
) => Promise<{ readonly stdout: string; readonly stderr: string }>;

type Parts = Pick<Fleet, "paddock" | "directory" | "imageDirectory" | "watch">;

function makeFleet(parts: Parts, run: RunKubectl): Fleet {
  const { watch } = parts;
  const get = async <T>(kind: string, name: string): Promise<T> =>
    JSON.parse((await run(["get", kind, name, "--output=json"])).stdout) as T;
  const untilHost: Fleet["untilHost"] = async (name, patience, isRight) => {
    await until(
      patience,
      () => describeHost(watch.latest(name)),
      () => isRight(watch.latest(name)),
    );
    return watch.latest(name);
  };
  return {
    ...parts,
    kubectl: async (...args) => (await run(args)).stdout,
    async apply(...objects) {
      const list = { apiVersion: "v1", kind: "List", items: objects };
      return (await run(["apply", "--filename=-"], JSON.stringify(list))).stderr;
    },
    async patch(name, spec) {
      const change = `--patch=${JSON.stringify({ spec })}`;
      return (await run(["patch", "baremetalhost", name, "--type=merge", change])).stderr;
    },
    get,
    async events(name) {
      const about = `--field-selector=involvedObject.name=${name}`;
      const { stdout } = await run(["get", "events", about, "--output=json"]);
      const { items } = JSON.parse(stdout) as { items: KubernetesEvent[] };
      // Their times are whole seconds; versions are in the order of writing.
      const version = ({ metadata }: KubernetesEvent) => Number(metadata.resourceVersion);
      return items.toSorted((left, right) => version(left) - version(right));
    },
    untilHost,
    async untilState(name, state, seconds) {
      const fact = `${name} is ${state}`;
      await untilHost(name, { fact, seconds }, (host) => stateOf(host) === state);
    },
  };
}

const ending: { directory?: string; paddock?: Paddock; watch?: HostWatch }[] = [];
let hasFailed = false;

/** Call once at the top of a file that starts a fleet. After a failure its further tests are skipped. */
export function endFleetAfterwards(): void {
  beforeEach(({ skip, onTestFailed }) => {
    skip(hasFailed, "goes on where a test before it failed");
    onTestFailed(() => {
      hasFailed = true;
    });
  });
  afterAll(async () => {
    for (const { directory, paddock, watch } of ending.splice(0).toReversed()) {
      watch?.stop();
      await paddock?.stop();
      if (directory === undefined) continue;
      if (hasFailed) process.stdout.write(`The logs of this run stay in ${directory}\n`);
      else await rm(directory, { recursive: true, force: true });
    }
  });
}
