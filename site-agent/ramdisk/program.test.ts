import { beforeEach, describe, expect, test, vi } from "vitest";
import type { RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import {
  bootToken,
  commandLine,
  fingerprint,
  hostUid,
  identityOf,
  macs,
  operationToken,
  startRamdiskWorld,
} from "../../test/support/ramdisk-world.ts";
import type { RamdiskWorld } from "../../test/support/ramdisk-world.ts";
import type { MayDestroyAnswer } from "../sessions/port.ts";
import { runRamdisk } from "./program.ts";

let world: RamdiskWorld;
beforeEach(async () => {
  world = await startRamdiskWorld();
});

const erase: RamdiskStep = {
  kind: "erase",
  mode: "metadata",
  disks: [identityOf("sda"), identityOf("sdb")],
};

describe("the ramdisk program", () => {
  test("connects with its boot token over the pinned certificate and tells who it is", () => {
    expect(world.sessions.session(hostUid)?.identity).toEqual({
      systemUuid: "11111111-2222-3333-4444-555555555555",
      serialNumber: "LAB-1",
      macs,
    });
    expect(world.agent.requests.map(({ path }) => path)).toEqual(["/ramdisk/v1"]);
  });

  test("shows no token on its console", async () => {
    await world.clock.until(world.run(erase));
    expect(world.console.length).toBeGreaterThan(3);
    const all = world.console.join("\n");
    expect(all).not.toContain(bootToken);
    expect(all).not.toContain(operationToken);
  });

  test.each([
    ["", "farrier.agent, farrier.fingerprint, farrier.token, farrier.mac"],
    [commandLine.replace("https:", "http:"), "farrier.agent"],
    [commandLine.replace(fingerprint, "ab"), "farrier.fingerprint"],
    [commandLine.replace(macs[0]!, "nonsense"), "farrier.mac"],
  ])("does not begin when the kernel parameters are %s", async (line, names) => {
    const ended = await runRamdisk(world.machine.ports(line, world.agent));
    expect(ended).toMatchObject({ ok: false, error: { kind: "parameter" } });
    expect(ended.ok ? "" : ended.error.message).toContain(`malformed: ${names};`);
  });

  test("keeps dialling when nobody is there, and is back after the agent is", async () => {
    world.agent.cut();
    await world.clock.advance(600_000);
    expect(world.sessions.session(hostUid)).toBeUndefined();
    world.agent.mend();
    await world.clock.advance(20_000);
    expect(world.sessions.session(hostUid)?.alive()).toBe(true);
  });

  test("is back before its step counts as lost when the connection dies unseen", async () => {
    const answer = Promise.withResolvers<MayDestroyAnswer>();
    const mayDestroy = vi.fn(() => answer.promise);
    const done = world.run(erase, { mayDestroy });
    await world.clock.advance(9_000);
    world.agent.freeze();
    await world.clock.advance(60_000);
    expect(mayDestroy).toHaveBeenCalledTimes(2);
    answer.resolve({ go: true });
    expect(await world.clock.until(done)).toMatchObject({ ok: true });
  });

  test("gives its inventory when it is inspected", async () => {
    const result = await world.clock.until(world.run({ kind: "inspect" }));
    expect(result).toMatchObject({
      ok: true,
      outcome: {
        kind: "inspect",
        identity: { macs },
        hardware: {
          ramMebibytes: 4096,
          storage: [{ serialNumber: "DISK-A" }, { serialNumber: "DISK-B" }],
          nics: [
            { mac: macs[0], pxe: true },
            { mac: macs[1], pxe: false },
          ],
        },
      },
    });
    expect(world.questions).toEqual([]);
  });

  test.each([
    ["reboot", "reboot -f"],
    ["power-off", "poweroff -f"],
  ] as const)("answers first and then leaves by %s", async (how, line) => {
    const left = await world.clock.until(world.run({ kind: "leave", how }));
    expect(left).toEqual({ ok: true, outcome: { kind: "leave" } });
    expect(world.machine.left()).toBeUndefined();
    await world.clock.until(world.ended);
    expect(world.machine.ran).toEqual(["sync", line]);
    expect(world.machine.left()).toBe(how);
  });

  test("takes a new operation when the agent has given up the old one", async () => {
    const never = new Promise<MayDestroyAnswer>(() => {});
    const lost = world.run(erase, { mayDestroy: () => never });
    await world.clock.advance(0);
    world.sessions.forget(hostUid);
    expect((await lost).ok).toBe(false);
    world.sessions.expect({ hostUid, mac: macs[0]!, bootToken });
    await world.clock.advance(30_000);
    const second = world.run({ kind: "inspect" }, { operationId: "uid-1.2" });
    expect(await world.clock.until(second)).toMatchObject({ ok: true });
    expect(world.disk("sda").changes).toEqual([]);
  });
});

describe("erasing", () => {
  test("asks about this machine and these disks, and touches none before the answer", async () => {
    const answer = Promise.withResolvers<MayDestroyAnswer>();
    const mayDestroy = vi.fn(() => answer.promise);
    const done = world.run(erase, { mayDestroy });
    await world.clock.advance(300_000);
    expect(mayDestroy.mock.calls).toEqual([
      [
        {
          identity: world.sessions.session(hostUid)?.identity,
          disks: [identityOf("sda"), identityOf("sdb")],
        },
      ],
    ]);
    expect(world.disk("sda").changes).toEqual([]);
    expect(world.machine.ran).toEqual([]);
    answer.resolve({ go: true });
    const result = await world.clock.until(done);
    expect(result).toMatchObject({
      ok: true,
      outcome: { disks: [{ ok: true, disk: identityOf("sda") }, { ok: true }] },
    });
    expect(world.disk("sda").changes.length).toBeGreaterThan(0);
    expect(world.disk("sdb").changes.length).toBeGreaterThan(0);
  });

  test("destroys nothing when the answer is no", async () => {
    const mayDestroy = () => Promise.resolve({ go: false as const, reason: "the host is paused" });
    expect(await world.clock.until(world.run(erase, { mayDestroy }))).toEqual({
      ok: false,
      failure: { kind: "refused", message: "the host is paused", destroyed: false },
    });
    expect(world.disk("sda").changes).toEqual([]);
    expect(world.machine.ran).toEqual([]);
  });

  test("destroys nothing and does not ask when one disk of the list is not there", async () => {
    const gone = { ...identityOf("sdb"), serialNumber: "DISK-C" };
    const result = await world.clock.until(
      world.run({ kind: "erase", mode: "metadata", disks: [identityOf("sda"), gone] }),
    );
    expect(result).toMatchObject({ ok: false, failure: { kind: "identity", destroyed: false } });
    expect(result.ok ? "" : result.failure.message).toContain("serial DISK-C");
    expect(world.questions).toEqual([]);
    expect(world.disk("sda").changes).toEqual([]);
  });

  test("finds a disk by what it is when its name has changed", async () => {
    const renamed = { ...identityOf("sdb"), name: "/dev/sdz" };
    const step: RamdiskStep = { kind: "erase", mode: "metadata", disks: [renamed] };
    expect(await world.clock.until(world.run(step))).toMatchObject({ ok: true });
    expect(world.disk("sda").changes).toEqual([]);
    expect(world.disk("sdb").changes.length).toBeGreaterThan(0);
  });

  test("reports the disk that failed and erases the other one all the same", async () => {
    world.disk("sda").badByte = 4096;
    const result = await world.clock.until(world.run(erase));
    expect(result).toMatchObject({
      ok: true,
      outcome: { disks: [{ ok: false, erasedBytes: 0 }, { ok: true }] },
    });
  });

  test("asks again after the connection broke while it waited, and runs once", async () => {
    let asked = 0;
    const mayDestroy = (): Promise<MayDestroyAnswer> => {
      asked += 1;
      return asked === 1 ? new Promise(() => {}) : Promise.resolve({ go: true });
    };
    const done = world.run(erase, { mayDestroy });
    await world.clock.advance(1_000);
    world.agent.cut();
    world.agent.mend();
    expect(await world.clock.until(done)).toMatchObject({ ok: true });
    expect(asked).toBe(2);
  });

  test("does not run twice when the same operation asks again", async () => {
    const first = await world.clock.until(world.run(erase));
    const changes = world.disk("sda").changes.length;
    expect(await world.clock.until(world.run(erase))).toEqual(first);
    expect(world.disk("sda").changes.length).toBe(changes);
    expect(world.questions.length).toBe(1);
  });
});
