// What a real API server answers to the stories is kept as facts; the one of the simulator is held to the same facts
// (test/simulation/kubernetes/stories.test.ts), so that it cannot drift.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKubernetes, type KubernetesHandle } from "../../infra/kubernetes/start-kubernetes.ts";
import { installManifests } from "../../infra/paddock/install-manifests.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { makeNodeKubernetes } from "../../site-agent/adapters/node-kubernetes.ts";
import type { KubernetesApi } from "../../site-agent/cluster/port.ts";
import { stories } from "./api-stories.table.ts";
import { factsFile, newNamespace, Story } from "./api-story.ts";

let folder: string;
let kubernetes: KubernetesHandle;
let api: KubernetesApi;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-stories-"));
  kubernetes = await startKubernetes({ directory: folder, progress: terminalProgress() });
  await installManifests(kubernetes);
  api = makeNodeKubernetes(kubernetes.adminKubeconfigPath);
  await api.request(newNamespace);
});

afterAll(async () => {
  await kubernetes?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("a real API server answers as it did about", () => {
  it.each(Object.entries(stories))("%s", async (name, tell) => {
    const story = new Story({ api, sleep });
    await tell(story);
    await expect(story.text).toMatchFileSnapshot(factsFile(name));
  });
});
