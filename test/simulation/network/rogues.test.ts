import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { makeBootSite } from "../../support/boot-site.ts";
import { bootFromNetwork } from "../../support/network-boot.ts";
import { makeKernel } from "../kernel/kernel.ts";
import { makeSeededCrypto } from "../machines/crypto/seeded-crypto.ts";
import type { Happened } from "../world/events.ts";
import { startRogueClient } from "./rogue-client.ts";
import { startRogueDhcp } from "./rogue-dhcp.ts";
import { Segment } from "./segment.ts";

const mac = "52:54:00:00:00:01";
const address = "10.1.0.1";

/** A segment with the servers of a real agent, which expects a boot of the machine. */
async function makeSite() {
  const kernel = makeKernel("a seed", Date.parse("2026-11-01T12:00:00Z"));
  const clock = {
    nowMs: () => kernel.nowMs(),
    monotonicMs: () => kernel.nowMs(),
    sleep: (ms: number, signal?: AbortSignal) => kernel.sleep(ms, signal),
    timer: (ms: number, run: () => void) => kernel.timer(ms, run),
  };
  const seen: Happened[] = [];
  const tell = (happened: Happened) => void seen.push(happened);
  const segment = new Segment({
    kernel,
    random: kernel.random.split("segment"),
    tell,
    scan: () => {},
    machineOf: (each) => (each === mac ? "m1" : undefined),
  });
  const agent = segment.join(address, { name: "agent" });
  const crypto = makeSeededCrypto(kernel.random.split("agent"));
  const site = await makeBootSite(agent, { clock, crypto });
  site.expectBoot(mac);
  const boot = () => {
    const nic = segment.join(undefined, { name: "m1", machine: "m1" });
    const options = { nic, clock, mac, firmware: "UEFI" as const, onStep: () => {} };
    return kernel.until(bootFromNetwork(options));
  };
  return { kernel, segment, seen, tell, boot };
}

function offersIn(seen: readonly Happened[]) {
  return seen.flatMap((each) =>
    each.kind === "boot-offer" ? [`${each.machine} ${each.server} ${each.file}`] : [],
  );
}

test("a machine boots through the agent's servers, and each offer and answer is seen", async () => {
  const { seen, boot } = await makeSite();
  expect((await boot()).ok).toBe(true);
  const script = `http://${address}:8080/boot/52-54-00-00-00-01/script.ipxe`;
  expect(new Set(offersIn(seen))).toEqual(
    new Set([`m1 ${address} snponly.efi`, `m1 ${address} ${script}`]),
  );
  const served = seen.flatMap((each) => (each.kind === "served" ? [each] : []));
  expect(served.map(({ machine, path, status }) => `${machine} ${path} ${status}`)).toEqual(
    ["script.ipxe", "kernel", "initrd-0", "initrd-1"].map(
      (name) => `m1 /boot/52-54-00-00-00-01/${name} 200`,
    ),
  );
});

test("a rogue DHCP server answers first, until it is stopped", async () => {
  const { segment, seen, boot } = await makeSite();
  const stop = startRogueDhcp(segment, "10.1.66.1");
  expect((await boot()).ok).toBe(false);
  expect(offersIn(seen)).toContain("m1 10.1.66.1 somebody-elses.0");
  stop();
  expect((await boot()).ok).toBe(true);
});

test("a rogue client asks for everything that it has heard of, and its gains are seen", async () => {
  const { kernel, segment, seen, tell, boot } = await makeSite();
  const stop = startRogueClient({ segment, address: "10.1.66.66", tell });
  expect((await boot()).ok).toBe(true);
  await kernel.run(kernel.nowMs() + 300_000);
  stop();
  const asked = seen.flatMap((each) =>
    each.kind === "served" && each.machine === undefined ? [each] : [],
  );
  const [given, refused] = [200, 0].map((limit) =>
    asked.filter(({ status }) => (limit === 200 ? status === 200 : status !== 200)),
  );
  // The boot loader by TFTP and every path belong to the machine's address.
  expect(given).toEqual([]);
  const paths = new Set(refused?.map(({ path }) => path));
  for (const name of ["script.ipxe", "kernel", "initrd-0"]) {
    expect(paths).toContain(`/boot/52-54-00-00-00-01/${name}`);
  }
  for (const path of ["/extents", "/ramdisk/v1"]) expect(paths).toContain(path);
  const count = seen.length;
  await kernel.run(kernel.nowMs() + 60_000);
  expect(seen.length).toBe(count);
});

test("a rogue client that is given something is told of", async () => {
  const { kernel, segment, seen, tell } = await makeSite();
  const loose = segment.join("10.1.0.7", { name: "a careless server" });
  await loose.server.listen({
    address: "10.1.0.7",
    port: 8080,
    handle: async () => ({ status: 200, body: Buffer.from("a secret") }),
  });
  const stop = startRogueClient({ segment, address: "10.1.66.66", tell });
  const machine = segment.join("10.1.0.100", { machine: "m1" });
  const url = "http://10.1.0.7:8080/of/somebody";
  await kernel.until(machine.http.request({ method: "GET", url, timeoutMs: 1_000 }));
  await kernel.run(kernel.nowMs() + 60_000);
  stop();
  expect(seen).toContainEqual({
    kind: "served",
    machine: undefined,
    client: "10.1.66.66",
    path: "/of/somebody",
    status: 200,
  });
});

test.each([
  ["taken for a ramdisk is told of", '{"type":"ping"}', 200],
  ["left without a word has gained nothing", undefined, 408],
])("a rogue client that is %s", async (_, word, status) => {
  const { kernel, segment, seen, tell } = await makeSite();
  const loose = segment.join("10.1.0.7", { name: "an agent" });
  // Of no certificate at all.
  const fingerprint = createHash("sha256").digest("hex");
  const script = `farrier.token=${"ab".repeat(32)} farrier.agent=https://10.1.0.7:8443 farrier.fingerprint=${fingerprint}`;
  const handle = async () => ({ status: 200, body: Buffer.from(script) });
  await loose.server.listen({ address: "10.1.0.7", port: 8080, handle });
  const tls = { certPem: "", keyPem: "" };
  await loose.server.listen({
    address: "10.1.0.7",
    port: 8443,
    tls,
    handle: async () => ({ status: 404 }),
    upgrade: (_request, duplex) => void (word !== undefined && duplex.send(word)),
  });
  const stop = startRogueClient({ segment, address: "10.1.66.66", tell });
  const machine = segment.join("10.1.0.100", { machine: "m1" });
  const url = "http://10.1.0.7:8080/script.ipxe";
  await kernel.until(machine.http.request({ method: "GET", url, timeoutMs: 1_000 }));
  await kernel.run(kernel.nowMs() + 200_000);
  stop();
  const tried = seen.flatMap((each) =>
    each.kind === "served" && each.path === "/ramdisk/v1" ? [each.status] : [],
  );
  expect(new Set(tried)).toEqual(new Set([status]));
});
