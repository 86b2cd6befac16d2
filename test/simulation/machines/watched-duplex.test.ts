import { expect, test } from "vitest";
import { ok } from "../../../shared/result.ts";
import type { Duplex, DuplexRequest } from "../../../site-agent/ports.ts";
import { makeDuplexPair } from "../../support/memory-duplex.ts";
import { makeKernel } from "../kernel/kernel.ts";
import { makeLife } from "../kernel/life.ts";
import { watchDuplexes } from "./watched-duplex.ts";
import type { Overheard } from "./watched-duplex.ts";

const request: DuplexRequest = { url: "wss://agent", protocol: "p", timeoutMs: 1 };

async function connect() {
  const kernel = makeKernel("a seed", 0);
  const life = makeLife({ kernel, name: "ramdisk:m1", incarnation: 1 });
  const pair = makeDuplexPair((run) => void kernel.ordered(1, run));
  const heard: Overheard[] = [];
  const client = watchDuplexes(life, { connect: async () => ok(pair.client) }, (message) => {
    heard.push(message);
  });
  const connected = await client.connect(request);
  if (!connected.ok) throw new Error(connected.error.message);
  const got: string[] = [];
  const listen = (who: string, duplex: Duplex): void => {
    duplex.onMessage((text) => void got.push(`${who} got ${text}`));
    duplex.onClose((code) => void got.push(`${who} closed ${code}`));
  };
  listen("ramdisk", connected.value);
  listen("agent", pair.server);
  const pass = (): Promise<void> => kernel.run(kernel.nowMs() + 10);
  return { life, ramdisk: connected.value, agent: pair.server, heard, got, pass };
}

test("what passes between ramdisk and agent is told, but for pings and logs", async () => {
  const { ramdisk, agent, heard, got, pass } = await connect();
  ramdisk.send('{"type":"log","text":"x"}');
  ramdisk.send('{"operationId":"o.1","type":"done"}');
  agent.send('{"type":"ping"}');
  agent.send('{"type":"run","operationId":"o.2","step":{"kind":"erase"}}');
  agent.send("{");
  ramdisk.send(
    '{"type":"done","operationId":"o.2","outcome":{"kind":"erase","disks":[{"disk":{"serialNumber":"A"},"ok":true}]}}',
  );
  await pass();
  expect(got.length).toBe(6);
  expect(heard).toEqual([
    { direction: "to agent", type: "done", operationId: "o.1" },
    {
      direction: "to agent",
      type: "done",
      operationId: "o.2",
      step: "erase",
      disks: [{ serialNumber: "A", ok: true }],
    },
    { direction: "to ramdisk", type: "run", operationId: "o.2", step: "erase" },
    { direction: "to ramdisk", type: "garbled", operationId: undefined },
  ]);
});

test("of a config drive is told whose user data is in it", async () => {
  const { agent, heard, pass } = await connect();
  const configDrive = Buffer.from("#cloud-config\n# canary-data-m7\n").toString("base64");
  const step = { kind: "write", configDrive };
  agent.send(JSON.stringify({ type: "run", operationId: "o.1", step }));
  await pass();
  expect(heard).toMatchObject([{ step: "write", userDataOf: "m7" }]);
});

test("a ramdisk that has ended sends, hears and closes nothing any more", async () => {
  const { life, ramdisk, agent, heard, got, pass } = await connect();
  agent.send('{"type":"run","operationId":"o.1"}');
  life.end();
  expect(ramdisk.send('{"type":"hello"}')).toBe(false);
  ramdisk.close(1000, "");
  agent.close(1001, "");
  await pass();
  expect([heard, got]).toEqual([[], ["agent closed 1001"]]);
});
