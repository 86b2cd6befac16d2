// Whoever is given a Secret's content is told of, however it is asked for.
import { expect, test } from "vitest";
import { makeTestCluster, secretsPath, testNamespace } from "./test-cluster.ts";

const label = { "environment.metal3.io": "baremetal" };

test("answers, lists and watches that hold a Secret are reads of it; refusals and hosts are not", async () => {
  const { kernel, send, person, agent, told } = makeTestCluster();
  const metadata = { name: testNamespace };
  await send(person, "POST", "/api/v1/namespaces", { metadata });
  const secret = { apiVersion: "v1", kind: "Secret", data: { password: "eA==" } };
  await send(person, "POST", secretsPath, { ...secret, metadata: { name: "s1", labels: label } });
  const reads = () =>
    told.flatMap((each) =>
      each.kind === "secret-read" && each.by === "farrier"
        ? [`${each.namespace}/${each.name}`]
        : [],
    );
  await send(agent, "GET", `${secretsPath}/none`);
  await send(agent, "GET", "/apis/metal3.io/v1alpha1/baremetalhosts");
  expect(reads()).toEqual([]);
  await send(agent, "GET", `${secretsPath}/s1`);
  await send(agent, "PATCH", `${secretsPath}/s1`, { metadata: { annotations: { a: "b" } } });
  await send(agent, "GET", "/api/v1/secrets");
  expect(reads()).toEqual(["metal/s1", "metal/s1", "metal/s1"]);
  const stop = new AbortController();
  const path = "/api/v1/secrets?labelSelector=environment.metal3.io%3Dbaremetal";
  void agent.watch(path, () => {}, stop.signal);
  await kernel.run(kernel.nowMs() + 1_000);
  expect(reads()).toHaveLength(4);
});
