import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { adminToken } from "../../support/control-plane/instances.ts";
import { TestAgent, TestLink } from "../../support/control-plane/test-agent.ts";
import { onEachPair } from "./pairs.ts";

onEachPair("the link", (pair) => {
  let count = 0;
  /** An approved agent of a site of its own. */
  async function siteAgent(): Promise<TestAgent> {
    const { one, admin } = pair();
    count += 1;
    await admin("POST", "/sites", { name: `site-${count}` });
    return await TestAgent.enrol(one, { site: `site-${count}` });
  }

  function refusedUpgrade(
    path: string,
    protocols: string[],
    headers: object = {},
  ): Promise<number> {
    const { one, caPem } = pair();
    const url = `${one.origin.replace("https", "wss")}${path}`;
    const socket = new WebSocket(url, protocols, { ca: caPem, headers: { ...headers } });
    return new Promise((resolve) => {
      socket.on("error", () => undefined);
      socket.once("open", () => resolve(101));
      socket.once("unexpected-response", (_request, response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
    });
  }

  test("is upgraded with our subprotocol only, and never for a browser", async () => {
    expect(await refusedUpgrade("/link/v1", [])).toBe(426);
    expect(await refusedUpgrade("/link/v1", ["other.v1"])).toBe(426);
    expect(await refusedUpgrade("/link/v1?token=x", ["farrier.v1"])).toBe(400);
    expect(
      await refusedUpgrade("/link/v1", ["farrier.v1"], { origin: "https://evil.example" }),
    ).toBe(403);
  });

  test("welcomes an agent that signs the nonce for our address", async () => {
    const { one, two, caPem } = pair();
    const agent = await siteAgent();
    const link = await agent.session(one, caPem);
    expect(link.socket.protocol).toBe("farrier.v1");
    expect(link.welcome).toMatchObject({ resync: "none", committedSeq: 0, sites: [] });
    expect(link.welcome["sessionToken"]).toMatch(/^[0-9a-f]{64}$/);
    const elsewhere = await agent.session(two, caPem);
    expect(elsewhere.epoch).toBeGreaterThan(link.epoch);
  });

  test("closes the older session, on another instance, when a newer one is open", async () => {
    const { one, two, caPem } = pair();
    const agent = await siteAgent();
    const older = await agent.session(one, caPem);
    await agent.session(two, caPem);
    expect((await older.closed).code).toBe(4001);
  });

  test("refuses a signature of another key, over another nonce, or for another address", async () => {
    const { one, caPem } = pair();
    const agent = await siteAgent();
    const other = generateKeyPairSync("ed25519").privateKey;
    for (const lie of [
      { key: other },
      { nonce: "0".repeat(64) },
      { origin: "https://evil.example" },
    ]) {
      const link = await agent.connect(one, caPem);
      await agent.hello(link, lie);
      expect((await link.closed).code).toBe(4002);
    }
    const link = await agent.session(one, caPem);
    expect(link.welcome.type).toBe("welcome");
  });

  test("refuses an agent that waits for approval, until it is approved", async () => {
    const { one, caPem, admin } = pair();
    await admin("POST", "/sites", { name: "pending" });
    const agent = await TestAgent.enrol(one, { site: "pending", approve: false });
    expect(agent.state).toBe("pending");
    const link = await agent.connect(one, caPem);
    await agent.hello(link);
    expect((await link.closed).code).toBe(4002);
    expect((await admin("POST", `/agents/${agent.id}/approve`)).status).toBe(200);
    expect((await agent.session(one, caPem)).welcome["site"]).toBe("pending");
  });

  test("closes the session of an agent that is revoked, and opens no other", async () => {
    const { one, two, caPem, admin } = pair();
    const agent = await siteAgent();
    const link = await agent.session(one, caPem);
    await admin("POST", `/agents/${agent.id}/revoke`);
    expect((await link.closed).code).toBe(4003);
    const again = await agent.connect(two, caPem);
    await agent.hello(again);
    expect((await again.closed).code).toBe(4003);
  });

  test("refuses an agent that has no version in common with us", async () => {
    const { one, caPem } = pair();
    const agent = await siteAgent();
    const link = await agent.connect(one, caPem);
    await agent.hello(link, { versions: [2] });
    expect((await link.closed).code).toBe(4005);
  });

  test("sends a second agent of a site away while the first is there", async () => {
    const { one, two, caPem } = pair();
    const agent = await siteAgent();
    await agent.session(one, caPem);
    const second = await TestAgent.enrol(one, { site: `site-${count}` });
    const link = await second.connect(two, caPem);
    await second.hello(link);
    expect(await link.next("goaway")).toEqual({ type: "goaway", retryAfterMs: 5_000 });
    expect((await link.closed).code).toBe(1012);
  });

  test("answers lease renewals", async () => {
    const { one, caPem } = pair();
    const agent = await siteAgent();
    const link = await agent.session(one, caPem);
    link.send({ type: "lease", epoch: link.epoch, sequence: 7 });
    expect(await link.next("lease")).toEqual({
      type: "lease",
      epoch: link.epoch,
      sequence: 7,
      // One, or more where something waited to be delivered.
      turn: expect.any(Number),
    });
  });

  test("closes a socket that sends what is no frame, with the code that says why", async () => {
    const { one, caPem } = pair();
    const agent = await siteAgent();
    const sent: readonly [number, (link: TestLink) => void][] = [
      [1003, (link) => link.socket.send(Buffer.from([1, 2, 3]))],
      [1007, (link) => link.socket.send("not JSON")],
      [1009, (link) => link.send({ type: "lease", filler: "x".repeat(70_000) })],
    ];
    for (const [code, send] of sent) {
      const link = await agent.session(one, caPem);
      send(link);
      expect((await link.closed).code).toBe(code);
    }
  });

  test("skips frames that it does not understand, up to a flood of them", async () => {
    const { one, caPem } = pair();
    const agent = await siteAgent();
    const link = await agent.session(one, caPem);
    for (let index = 0; index < 19; index += 1) link.send({ type: "from-the-future" });
    link.send({ type: "lease", epoch: link.epoch, sequence: 1 });
    await link.next("lease");
    link.send({ type: "from-the-future" });
    expect((await link.closed).code).toBe(1008);
  });

  test("closes a session whose observations have a gap", async () => {
    const { one, caPem } = pair();
    const agent = await siteAgent();
    const link = await agent.session(one, caPem);
    const items = (...seqs: number[]) =>
      seqs.map((seq) => ({ seq, atMs: 0, body: { kind: "stranger", mac: "52:54:00:00:00:01" } }));
    link.send({ type: "observations", epoch: link.epoch, items: items(1, 2) });
    expect(await link.next("committed")).toMatchObject({ seq: 2 });
    link.send({ type: "observations", epoch: link.epoch, items: items(4) });
    expect((await link.closed).code).toBe(1008);
  });
});

onEachPair("enrolment", (pair) => {
  test("takes a token once, on whichever instance", async () => {
    const { one, two, admin } = pair();
    await admin("POST", "/sites", { name: "lab" });
    const token = await admin("POST", "/tokens", { site: "lab" });
    const body = (letter: string) => ({
      token: token.json()["secret"],
      signingKey: Buffer.alloc(32, letter).toString("base64"),
      sealingKey: Buffer.alloc(32, letter).toString("base64"),
      hostname: "h",
      programVersion: "1",
    });
    const answers = await Promise.all([
      one.ask("POST", "/agents/enrol", { body: body("a") }),
      two.ask("POST", "/agents/enrol", { body: body("b") }),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const unknown = { ...body("c"), token: "f".repeat(64) };
    expect((await two.ask("POST", "/agents/enrol", { body: unknown })).status).toBe(401);
    const weak = { ...body("d"), sealingKey: Buffer.alloc(32).toString("base64") };
    expect((await two.ask("POST", "/agents/enrol", { body: weak })).status).toBe(400);
  });
});

onEachPair("the operators' API", (pair) => {
  test("is closed without the token, and says what is wrong with it", async () => {
    const { one, two, admin } = pair();
    for (const instance of [one, two]) {
      expect((await instance.ask("GET", "/admin/v1/sites")).status).toBe(401);
      const wrong = { headers: { authorization: `Bearer ${adminToken}x` } };
      expect((await instance.ask("POST", "/admin/v1/sites", { ...wrong, body: {} })).status).toBe(
        401,
      );
    }
    const bad = await admin("POST", "/sites", { name: "Not A Name" });
    expect([bad.status, bad.text]).toEqual([400, expect.stringContaining("name")]);
    expect((await admin("POST", "/tokens", {})).status).toBe(400);
    expect((await admin("POST", "/tokens", { site: "nowhere" })).status).toBe(404);
    expect((await admin("POST", "/agents/nobody/approve")).status).toBe(404);
    expect((await admin("POST", "/sites", { name: "twice" })).status).toBe(201);
    expect((await admin("POST", "/sites", { name: "twice" })).status).toBe(409);
  });
});
