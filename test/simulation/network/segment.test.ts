import { expect, test } from "vitest";
import type { Duplex, HttpResponse, ServerOptions, UdpSocket } from "../../../site-agent/ports.ts";
import { makeKernel } from "../kernel/kernel.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Happened } from "../world/events.ts";
import { Segment } from "./segment.ts";
import type { SegmentNode } from "./segment.ts";

function makeSegment() {
  const kernel = makeKernel("a seed", 1_000_000);
  const seen: Happened[] = [];
  const scanned: string[] = [];
  const segment = new Segment({
    kernel,
    random: kernel.random.split("segment"),
    tell: (happened) => void seen.push(happened),
    scan: (sink, text) => void scanned.push(`${sink}: ${text}`),
    machineOf: (mac) => (mac === "52:54:00:00:00:01" ? "m1" : undefined),
  });
  return { kernel, segment, seen, scanned };
}

async function bind(node: SegmentNode, port: number, heard: string[] = []): Promise<UdpSocket> {
  const bound = await node.udp.bind({
    address: "0.0.0.0",
    port,
    onMessage: (data) => void heard.push(Buffer.from(data).toString()),
  });
  if (!bound.ok) throw new Error(bound.error.message);
  return bound.value;
}

async function serve(node: SegmentNode, options: Partial<ServerOptions>): Promise<void> {
  await node.server.listen({
    address: "0.0.0.0",
    port: 80,
    handle: async () => ({ status: 404 }),
    ...options,
  });
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, at) => String(at));
}

/** Sends numbered datagrams to one who listens, and gives those that arrived. */
async function sendMany(kernel: Kernel, segment: Segment, count: number): Promise<string[]> {
  const heard: string[] = [];
  await bind(segment.join("10.1.0.1"), 69, heard);
  const sender = await bind(segment.join("10.1.0.2"), 1000);
  for (const each of numbers(count)) {
    sender.send(Buffer.from(each), { address: "10.1.0.1", port: 69 });
    await kernel.run(kernel.nowMs() + 1);
  }
  await kernel.run(kernel.nowMs() + 1_000);
  return heard;
}

test("datagrams all arrive once, and some overtake others, when nothing is wrong", async () => {
  const { kernel, segment } = makeSegment();
  const heard = await sendMany(kernel, segment, 100);
  expect(heard).not.toEqual(numbers(100));
  expect(heard.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(100));
});

test("datagrams are lost and repeated as often as the segment is told", async () => {
  const { kernel, segment } = makeSegment();
  segment.conditions.loss = 0.3;
  segment.duplication = 0.5;
  const heard = await sendMany(kernel, segment, 400);
  const different = new Set(heard).size;
  // 1.5 copies of each are sent and 0.7 of the copies arrive: 420 in the mean; of 400 at least one copy of 322.
  expect(Math.abs(heard.length - 420)).toBeLessThan(60);
  expect(Math.abs(different - 322)).toBeLessThan(40);
  segment.heal();
  heard.length = 0;
  expect(segment.conditions.loss).toBe(0);
});

test("two agents of one address both hear a datagram, or one of them", async () => {
  const { kernel, segment } = makeSegment();
  const [one, other]: string[][] = [[], []];
  await bind(segment.join("10.1.0.1", { name: "agent" }), 69, one);
  await bind(segment.join("10.1.0.1", { name: "clone" }), 69, other);
  const sender = await bind(segment.join("10.1.0.2"), 1000);
  sender.send(Buffer.from("x"), { address: "10.1.0.1", port: 69 });
  await kernel.run(kernel.nowMs() + 10);
  expect([one, other]).toEqual([["x"], ["x"]]);
  segment.sharedAddress = "one";
  for (const _ of numbers(40)) sender.send(Buffer.from("y"), { address: "10.1.0.1", port: 69 });
  await kernel.run(kernel.nowMs() + 10);
  expect((one?.length ?? 0) + (other?.length ?? 0)).toBe(42);
  expect(Math.min(one?.length ?? 0, other?.length ?? 0)).toBeGreaterThan(5);
});

test("agents of one address are told apart by where their datagrams come from", async () => {
  const { kernel, segment } = makeSegment();
  const seen: (string | undefined)[] = [];
  await segment.join("10.1.0.11").udp.bind({
    address: "0.0.0.0",
    port: 623,
    onMessage: (_data, from) => void seen.push(segment.agentAt(from)),
  });
  const join = (name: string, agent?: string) =>
    bind(segment.join("10.1.0.1", { name, ...(agent === undefined ? {} : { agent }) }), 0);
  const senders = [await join("a", "site-1"), await join("b", "site-1#2"), await join("c")];
  for (const sender of senders) {
    sender.send(Buffer.from("x"), { address: "10.1.0.11", port: 623 });
    await kernel.run(kernel.nowMs() + 10);
  }
  expect(seen).toEqual(["site-1", "site-1#2", undefined]);
});

async function connect(
  kernel: Kernel,
  segment: Segment,
): Promise<{ client: Duplex; server: Duplex; agent: SegmentNode; machine: SegmentNode }> {
  const agent = segment.join("10.1.0.1");
  const machine = segment.join("10.1.0.100", { machine: "m1" });
  let server: Duplex | undefined;
  await serve(agent, { upgrade: (_request, duplex) => void (server = duplex) });
  const opened = await kernel.until(
    machine.duplexes.connect({ url: "ws://10.1.0.1/ramdisk", protocol: "p", timeoutMs: 10_000 }),
  );
  if (!opened.ok || server === undefined) throw new Error("not connected");
  return { client: opened.value, server, agent, machine };
}

test("messages of a stream keep their order though packets are lost", async () => {
  const { kernel, segment } = makeSegment();
  segment.conditions.loss = 0.3;
  const { client, server } = await connect(kernel, segment);
  const heard: string[] = [];
  server.onMessage((text) => void heard.push(text));
  for (const each of numbers(50)) client.send(each);
  await kernel.run(kernel.nowMs() + 60_000);
  expect(heard).toEqual(numbers(50));
});

test("the other end learns of a crash after all that was sent, and of a pulled plug never", async () => {
  for (const told of [true, false]) {
    const { kernel, segment } = makeSegment();
    const { client, server, agent } = await connect(kernel, segment);
    const heard: string[] = [];
    client.onMessage((text) => void heard.push(text));
    client.onClose((code) => void heard.push(`closed ${code}`));
    server.send("before");
    agent.leave(told);
    server.send("after");
    await kernel.run(kernel.nowMs() + 600_000);
    expect(heard).toEqual(told ? ["before", "closed 1006"] : []);
  }
});

test("a full buffer refuses more", async () => {
  const { kernel, segment } = makeSegment();
  const { client } = await connect(kernel, segment);
  const large = "x".repeat(3 * 1024 * 1024);
  expect([client.send(large), client.send(large), client.send("x")]).toEqual([true, true, false]);
  await kernel.run(kernel.nowMs() + 100);
  expect(client.send("x")).toBe(true);
});

async function read(response: HttpResponse): Promise<string[]> {
  const parts: string[] = [];
  for await (const item of response.body) {
    parts.push(item.ok ? Buffer.from(item.value).toString() : item.error.kind);
  }
  return parts;
}

/** Three parts, a second apart; tells what became of it. */
function slowBody(kernel: Kernel, became: string[]) {
  return (async function* () {
    try {
      for (const part of ["one", "two", "three"]) {
        yield Buffer.from(part);
        await kernel.sleep(1_000);
      }
      became.push("whole");
    } finally {
      became.push("over");
    }
  })();
}

test("a body arrives in its parts, and what was served to whom is seen", async () => {
  const { kernel, segment, seen, scanned } = makeSegment();
  const became: string[] = [];
  const [agent, machine] = [
    segment.join("10.1.0.1"),
    segment.join("10.1.0.100", { machine: "m1" }),
  ];
  await serve(agent, { handle: async () => ({ status: 200, body: slowBody(kernel, became) }) });
  const work = machine.http
    .request({ method: "GET", url: "http://10.1.0.1/boot/file?q=1", timeoutMs: 5_000 })
    .then((response) => (response.ok ? read(response.value) : []));
  expect(await kernel.until(work)).toEqual(["one", "two", "three"]);
  expect(became).toEqual(["whole", "over"]);
  expect(seen).toEqual([
    { kind: "served", machine: "m1", client: "10.1.0.100", path: "/boot/file", status: 200 },
  ]);
  expect(scanned.join()).toContain("/boot/file?q=1");
});

test.each([
  ["is truncated when the server crashes", true, "truncated"],
  ["times out when the server's plug is pulled", false, "timeout"],
])("a body %s", async (_what, told, end) => {
  const { kernel, segment } = makeSegment();
  const [agent, machine] = [segment.join("10.1.0.1"), segment.join("10.1.0.100")];
  await serve(agent, { handle: async () => ({ status: 200, body: slowBody(kernel, []) }) });
  kernel.timer(1_500, () => agent.leave(told));
  const work = machine.http
    .request({ method: "GET", url: "http://10.1.0.1/", timeoutMs: 5_000 })
    .then((response) => (response.ok ? read(response.value) : []));
  expect(await kernel.until(work)).toEqual(["one", "two", end]);
});

test("a server stops a body that nobody reads any more", async () => {
  const { kernel, segment } = makeSegment();
  const became: string[] = [];
  const [agent, machine] = [segment.join("10.1.0.1"), segment.join("10.1.0.100")];
  await serve(agent, { handle: async () => ({ status: 200, body: slowBody(kernel, became) }) });
  const first = machine.http
    .request({ method: "GET", url: "http://10.1.0.1/", timeoutMs: 5_000 })
    .then(async (response) => {
      if (response.ok) for await (const _ of response.value.body) return;
    });
  await kernel.until(first);
  await kernel.run(kernel.nowMs() + 2_000);
  expect(became).toEqual(["over"]);
});

test("a request to nobody is refused, and one without an answer times out", async () => {
  const { kernel, segment } = makeSegment();
  const [agent, machine] = [segment.join("10.1.0.1"), segment.join("10.1.0.100")];
  const ask = () =>
    machine.http
      .request({ method: "GET", url: "http://10.1.0.1/", timeoutMs: 5_000 })
      .then((response) => (response.ok ? response.value.status : response.error.kind));
  expect(await kernel.until(ask())).toBe("unreachable");
  await serve(agent, { handle: () => new Promise(() => {}) });
  const beganMs = kernel.nowMs();
  expect(await kernel.until(ask())).toBe("timeout");
  expect(kernel.nowMs() - beganMs).toBe(5_000);
});

test("the same seed gives the same run", async () => {
  const runs = await Promise.all(
    [1, 2].map(async () => {
      const { kernel, segment } = makeSegment();
      segment.conditions.loss = 0.2;
      return [await sendMany(kernel, segment, 50), kernel.events];
    }),
  );
  expect(runs[0]).toEqual(runs[1]);
});
