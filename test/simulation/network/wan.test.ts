import { Hono } from "hono";
import { expect, test } from "vitest";
import type { Duplex } from "../../../site-agent/ports.ts";
import { upgradeInMemory } from "../../support/memory-hub.ts";
import { makeKernel } from "../kernel/kernel.ts";
import { makeLife } from "../kernel/life.ts";
import type { Life } from "../kernel/life.ts";
import type { Happened } from "../world/events.ts";
import { Wan } from "./wan.ts";

const hubUrl = "http://hub.example";

/** Two instances that note what they get, and an agent behind a link. */
function makeWorld(silentDeaths = 0) {
  const kernel = makeKernel("a seed", 1_000_000);
  const scanned: string[] = [];
  const told: Happened[] = [];
  const wan = new Wan({
    kernel,
    random: kernel.random.split("wan"),
    scan: (sink, text) => void scanned.push(`${sink}: ${text}`),
    tell: (happened) => void told.push(happened),
    silentDeaths,
  });
  const got: string[] = [];
  const closed: string[] = [];
  const start = (name: string): Life => {
    const life = makeLife({ kernel, name, incarnation: 1 });
    const app = new Hono();
    app.post("/feed", async (c) => {
      got.push(`${name} ${await c.req.text()}`);
      return c.text("stored");
    });
    app.get(
      "/link",
      upgradeInMemory(() => ({
        onMessage({ data }, ws) {
          const text = String(data);
          got.push(`${name} ${text}`);
          ws.send(text.includes("lease") ? text : `${text} from ${name}`);
        },
        onClose: ({ code }) => void closed.push(`${name} ${code}`),
      })),
    );
    wan.serve(name, life, (url, init, env) => app.request(url, init, env));
    return life;
  };
  const lives = [start("one"), start("two")];
  const agent = makeLife({ kernel, name: "site-1", incarnation: 1 });
  const { http, duplexes } = wan.clientOf("site-1", agent);
  const link = wan.link("site-1");
  const post = (text: string) =>
    http
      .request({
        method: "POST",
        url: `${hubUrl}/feed`,
        body: Buffer.from(text),
        timeoutMs: 30_000,
      })
      .then((answer) => (answer.ok ? answer.value.status : answer.error.kind));
  const connect = async (heard: string[] = []): Promise<Duplex> => {
    const opened = await kernel.until(
      duplexes.connect({ url: `${hubUrl}/link`, protocol: "farrier.v1", timeoutMs: 15_000 }),
    );
    if (!opened.ok) throw new Error(opened.error.message);
    opened.value.onMessage((text) => void heard.push(text));
    opened.value.onClose((code) => void heard.push(`closed ${code}`));
    return opened.value;
  };
  const pass = (ms: number) => kernel.run(kernel.nowMs() + ms);
  return { kernel, wan, link, lives, agent, got, closed, scanned, told, post, connect, pass };
}

test("posts go to whichever instance lives, and are scanned with all frames", async () => {
  const { kernel, lives, got, scanned, post, connect, pass } = makeWorld();
  const duplex = await connect();
  duplex.send("a frame");
  for (const text of ["a", "b", "c", "d", "e", "f"]) await kernel.until(post(text));
  await pass(100);
  expect(new Set(got.map((each) => each.split(" ")[0]))).toEqual(new Set(["one", "two"]));
  expect(scanned).toContain("frame: a frame");
  expect(scanned).toContain("feed: a");
  expect(scanned).toContain(`url: ${hubUrl}/feed`);
  for (const life of lives) life.end();
  expect(await kernel.until(post("g"))).toBe("unreachable");
});

test("what is sent during a partition arrives in order when it heals, also of those who have given up", async () => {
  const { kernel, link, got, post, connect, pass } = makeWorld();
  const heard: string[] = [];
  const duplex = await connect(heard);
  [link.up.isDown, link.down.isDown] = [true, true];
  for (const text of ["a", "b", "c"]) duplex.send(text);
  expect(await kernel.until(post("x"))).toBe("timeout");
  await pass(10_000);
  expect([got, heard]).toEqual([[], []]);
  link.heal();
  await pass(5_000);
  const texts = got.map((each) => each.split(" ")[1] ?? "");
  expect(texts).toContain("x");
  expect(texts.filter((each) => each !== "x")).toEqual(["a", "b", "c"]);
  expect(heard.map((each) => each.split(" ")[0])).toEqual(["a", "b", "c"]);
});

test("with one direction down the hub hears and the agent does not", async () => {
  const { link, got, connect, pass } = makeWorld();
  const heard: string[] = [];
  const duplex = await connect(heard);
  link.down.isDown = true;
  duplex.send("a");
  await pass(60_000);
  expect([got.length, heard.length]).toEqual([1, 0]);
});

test("frames arrive twice, or broken, as often as the link is told", async () => {
  const { link, got, connect, pass } = makeWorld();
  const duplex = await connect();
  link.duplicates = 1;
  duplex.send("twice");
  duplex.send("later");
  await pass(16_000);
  const words = got.map((each) => each.split(" ")[1] ?? "");
  expect(words.toSorted()).toEqual(["later", "later", "twice", "twice"]);
  got.length = 0;
  link.duplicates = 0;
  link.garbles = 1;
  const frame = JSON.stringify({ type: "lease", epoch: 1, sequence: 2 });
  for (let left = 20; left > 0; left -= 1) duplex.send(frame);
  await pass(1_000);
  expect(got).toHaveLength(20);
  for (const each of got) expect(() => JSON.parse(each.slice(4))).toThrow(SyntaxError);
});

test("frames are told when the agent sends them, and when they are handed to it", async () => {
  const { link, told, connect, pass } = makeWorld();
  const duplex = await connect();
  told.length = 0;
  link.down.isDown = true;
  duplex.send(JSON.stringify({ type: "lease", epoch: 4, sequence: 2 }));
  const about = { agent: "site-1", connection: 1, type: "lease", epoch: 4, sequence: 2 };
  expect(told).toEqual([{ kind: "sent", ...about }]);
  await pass(1_000);
  expect(told.at(-1)).toMatchObject({ kind: "frame", ...about, to: "hub" });
  link.down.isDown = false;
  await pass(2_000);
  expect(told.at(-1)).toMatchObject({ kind: "frame", ...about, to: "agent" });
  duplex.send(JSON.stringify({ type: "ack", epoch: 4, done: ["17"], failed: [] }));
  expect(told.at(-1)).toMatchObject({ kind: "sent", type: "ack", epoch: 4, stored: ["17"] });
});

test("a request is lost before the hub, or its answer after the hub has worked", async () => {
  const { kernel, link, got, post } = makeWorld();
  link.losesRequests = 1;
  expect([await kernel.until(post("a")), got]).toEqual(["timeout", []]);
  link.losesRequests = 0;
  link.losesAnswers = 1;
  expect([await kernel.until(post("b")), got.length]).toEqual(["timeout", 1]);
});

test("a crash of the instance is noticed soon, or not when deaths are silent", async () => {
  for (const silentDeaths of [0, 1]) {
    const { lives, connect, pass } = makeWorld(silentDeaths);
    const heard: string[] = [];
    const duplex = await connect(heard);
    for (const life of lives) life.end();
    duplex.send("into the void");
    await pass(60_000);
    expect(heard).toEqual(silentDeaths === 0 ? ["closed 1006"] : []);
  }
});

test("a crash of the agent is noticed by the hub, and nothing reaches the dead", async () => {
  const { agent, closed, got, connect, pass } = makeWorld();
  const heard: string[] = [];
  const duplex = await connect(heard);
  duplex.send("last words");
  agent.end();
  duplex.send("no words");
  await pass(10_000);
  expect(got.map((each) => each.slice(4))).toEqual(["last words"]);
  expect(closed.map((each) => each.slice(4))).toEqual(["1006"]);
  expect(heard).toEqual([]);
});

test("a cut is told to both ends, and a forgotten connection to none, while new ones work", async () => {
  const cut = makeWorld();
  const heard: string[] = [];
  await cut.connect(heard);
  cut.link.cut();
  await cut.pass(10);
  expect([heard, cut.closed.length]).toEqual([["closed 1006"], 1]);
  const half = makeWorld();
  const later: string[] = [];
  const duplex = await half.connect(later);
  half.link.forget();
  expect(duplex.send("x")).toBe(true);
  await half.pass(600_000);
  expect([later, half.closed, half.got]).toEqual([[], [], []]);
  (await half.connect()).send("y");
  await half.pass(100);
  expect(half.got).toHaveLength(1);
});

test("connections, arriving frames and what is in them are told", async () => {
  const { agent, told, connect, pass } = makeWorld();
  const duplex = await connect();
  const order = { id: "h.1", hostUid: "h", revision: 2, validForMs: 600_000 };
  const operation = { ...order, payload: { kind: "power", want: "on" } };
  duplex.send(
    JSON.stringify({
      type: "deliveries",
      items: [
        { id: "1", delivery: { kind: "operation", operation } },
        { id: "2", delivery: { kind: "write", write: {} } },
        { id: "3", delivery: { kind: "remove-document", hostUid: "h", revision: 2 } },
      ],
    }),
  );
  const failure = { kind: "fenced", message: "" };
  const body = { kind: "operation-failed", hostUid: "h", operationId: "h.1", failure };
  duplex.send(JSON.stringify({ type: "observations", items: [{ seq: 3, body }] }));
  duplex.send('{"type":"hello","bootId":"b","capabilities":["power"]}');
  await pass(100);
  agent.end();
  await pass(10_000);
  const [opened] = told;
  const instance = opened?.kind === "link" ? opened.instance : "";
  const about = { agent: "site-1", instance, connection: 1 };
  const work = { operationId: "h.1", work: "power", revision: 2, validForMs: 600_000 };
  const agentSays = { kind: "reported", agent: "site-1", seq: 3, what: "operation-failed" };
  const seen = told.filter(
    (each) => each.kind !== "sent" && (each.kind !== "frame" || each.to === "hub"),
  );
  expect(seen).toEqual([
    { kind: "link", ...about, change: "opened" },
    { kind: "frame", ...about, to: "hub", type: "deliveries" },
    { kind: "delivered", agent: "site-1", id: "1", what: "operation", hostUid: "h", ...work },
    {
      kind: "delivered",
      agent: "site-1",
      id: "3",
      what: "remove-document",
      hostUid: "h",
      revision: 2,
    },
    { kind: "frame", ...about, to: "hub", type: "observations", seqs: [3, 3] },
    { ...agentSays, hostUid: "h", operationId: "h.1", failure: "fenced" },
    { kind: "frame", ...about, to: "hub", type: "hello" },
    { kind: "hello", agent: "site-1", boot: "b", capabilities: ["power"] },
    { kind: "link", ...about, change: "agent end closed" },
    { kind: "link", ...about, change: "hub end closed", code: 1006 },
  ]);
});
