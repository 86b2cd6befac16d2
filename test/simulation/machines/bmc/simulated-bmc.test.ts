// The BMC of a simulated machine as the agent's real IPMI client sees it, and as the world does.
import { describe, expect, test } from "vitest";
import { makeMachineWorld } from "../machine-world.ts";
import type { MachineWorld } from "../machine-world.ts";
import { quirkNames } from "../quirks.table.ts";

const ok = { ok: true, value: undefined };

async function isOn({ kernel, bmc }: MachineWorld): Promise<boolean | string> {
  const power = await kernel.until(bmc.readPower());
  return power.ok ? power.value.on : power.error.kind;
}

function send(
  { kernel, bmc }: MachineWorld,
  action: Parameters<MachineWorld["bmc"]["sendPower"]>[0],
) {
  return kernel.until(bmc.sendPower(action));
}

async function kindOf(world: MachineWorld, password: string): Promise<string> {
  const power = await world.kernel.until(world.bmcWith(password).readPower());
  return power.ok ? "ok" : power.error.kind;
}

describe("a simulated BMC", () => {
  test("switches, and tells the world who asked", async () => {
    const world = await makeMachineWorld();
    expect(await send(world, "on")).toEqual(ok);
    expect(await send(world, "soft")).toEqual(ok);
    expect(await send(world, "off")).toEqual(ok);
    const who = { machine: "m1", agent: "agent-1", done: true };
    expect(world.seenOf("power-command")).toEqual([
      { kind: "power-command", action: "on", ...who },
      { kind: "power-command", action: "soft", ...who },
      { kind: "power-command", action: "off", ...who },
    ]);
    expect(world.seenOf("power").map(({ on, why }) => [on, why])).toEqual([
      [true, "bmc"],
      [false, "bmc"],
    ]);
    expect(world.seenOf("login")).toEqual([
      {
        kind: "login",
        machine: "m1",
        user: "admin",
        ok: true,
        passwordNumber: 1,
        agent: "agent-1",
      },
    ]);
  });

  test("says no to a reset of a machine that is off, and the world hears of it", async () => {
    const world = await makeMachineWorld();
    expect(await send(world, "reset")).toMatchObject({ ok: false });
    expect(world.seenOf("power-command")).toMatchObject([{ action: "reset", done: false }]);
    expect(world.machine.boot).toBe(0);
  });

  test("is off for a while in a power cycle", async () => {
    const world = await makeMachineWorld();
    await send(world, "on");
    await send(world, "cycle");
    expect(await isOn(world)).toBe(false);
    await world.pass(6_000);
    expect(await isOn(world)).toBe(true);
    expect(world.machine.boot).toBe(2);
  });

  test("keeps a boot device for one boot, and drops it by itself after a minute", async () => {
    const world = await makeMachineWorld();
    const request = { device: "pxe", persistent: false, uefi: true } as const;
    await world.kernel.until(world.bmc.setBootDevice(request));
    expect(world.machine.override).toEqual({ place: "network", once: true });
    await send(world, "on");
    await world.pass(60_000);
    expect(world.machine.override).toBeUndefined();
    expect(world.seenOf("boot-device")).toMatchObject([
      { place: "network", once: true, agent: "agent-1" },
    ]);
  });

  test.each([[["cached-power"]], [[]]])(
    "tells an old power state with quirks %s only",
    async (quirks) => {
      const world = await makeMachineWorld({ quirks });
      expect(await isOn(world)).toBe(false);
      world.machine.pressPowerButton();
      expect(await isOn(world)).toBe(quirks.length === 0);
      await world.pass(31_000);
      expect(await isOn(world)).toBe(true);
    },
  );

  test("forgets as many power commands and boot devices as it is told to", async () => {
    const world = await makeMachineWorld();
    world.machine.bmc.forgetsPower = 1;
    world.machine.bmc.forgetsBootDevice = 1;
    const request = { device: "pxe", persistent: true, uefi: true } as const;
    await world.kernel.until(world.bmc.setBootDevice(request));
    expect(world.machine.override).toBeUndefined();
    await world.kernel.until(world.bmc.setBootDevice(request));
    expect(world.machine.override).toEqual({ place: "network", once: false });
    expect(await send(world, "on")).toEqual(ok);
    expect(world.machine.on).toBe(false);
    expect(await send(world, "on")).toEqual(ok);
    expect(world.machine.on).toBe(true);
    expect(world.seenOf("power-command").map(({ done }) => done)).toEqual([false, true]);
  });

  test("does nothing during POST but switch off, when it is deaf then", async () => {
    const world = await makeMachineWorld({ quirks: ["deaf-in-post"] });
    await send(world, "on");
    await send(world, "reset");
    expect(world.machine.boot).toBe(1);
    await send(world, "off");
    expect(world.machine.on).toBe(false);
  });

  test.each<[string, (world: MachineWorld) => void]>([
    ["hangs", ({ machine }) => (machine.bmc.hangs = true)],
    ["loses every packet", ({ machine }) => (machine.bmc.lossChance = 1)],
    ["starts anew", ({ machine }) => machine.restartBmc(10_000)],
    ["has no mains", ({ machine }) => machine.powerLoss(10_000)],
  ])("is unreachable while it %s, and back afterwards", async (_, disturb) => {
    const world = await makeMachineWorld();
    expect(await isOn(world)).toBe(false);
    disturb(world);
    expect(await isOn(world)).toBe("unreachable");
    world.machine.heal();
    await world.pass(15_000);
    expect(await isOn(world)).toBe(false);
  });

  test("answers half of the time when it flaps", async () => {
    const world = await makeMachineWorld();
    world.machine.bmc.flapMs = 60_000;
    const seen: unknown[] = [];
    for (let minute = 0; minute < 6; minute += 1) {
      seen.push(await isOn(world));
      await world.pass(60_000 - (world.kernel.nowMs() % 60_000));
    }
    expect(seen.filter((each) => each === "unreachable").length).toBe(3);
  });

  test("opens no session while others have them all, or when its own are taken", async () => {
    const world = await makeMachineWorld({ quirks: ["one-session"] });
    world.machine.bmc.sessionsFull = true;
    expect(await isOn(world)).toBe("busy");
    world.machine.heal();
    expect(await isOn(world)).toBe(false);
    expect(world.machine.openSessions).toBe(1);
    expect(await kindOf(world, "first")).toBe("busy");
  });

  test("numbers its passwords, and knows which one was tried", async () => {
    const world = await makeMachineWorld();
    const { machine } = world;
    expect(await kindOf(world, "first")).toBe("ok");
    expect(machine.changePassword("second")).toBe(2);
    expect(await kindOf(world, "first")).toBe("credentials");
    expect(await kindOf(world, "never")).toBe("credentials");
    expect(machine).toMatchObject({ passwordNumber: 2, failedLogins: 2, lockedOut: false });
    expect(await kindOf(world, "second")).toBe("ok");
    expect(machine.failedLogins).toBe(0);
    const logins = world
      .seenOf("login")
      .map(({ ok: good, passwordNumber }) => [good, passwordNumber]);
    expect(logins).toEqual([
      [true, 1],
      [false, 1],
      [false, undefined],
      [true, 2],
    ]);
  });

  test("tells one end of a login in whose middle the password was changed", async () => {
    for (let afterMs = 50; afterMs <= 2_000; afterMs += 50) {
      const world = await makeMachineWorld({ quirks: ["unhurried-bmc"] });
      const asked = world.bmc.readPower();
      await world.pass(afterMs);
      world.machine.changePassword("changed");
      await world.kernel.until(asked);
      expect(world.seenOf("login")).toHaveLength(1);
    }
  });

  test("lets nobody in for half an hour after three failed logins, when it is strict", async () => {
    const world = await makeMachineWorld({ quirks: ["lockout"] });
    for (const wrong of ["a", "b", "c"]) expect(await kindOf(world, wrong)).toBe("credentials");
    expect(world.machine).toMatchObject({ lockedOut: true, failedLogins: 3 });
    expect(await kindOf(world, "first")).toBe("credentials");
    await world.pass(29 * 60_000);
    expect(await kindOf(world, "first")).toBe("credentials");
    await world.pass(60_000);
    expect(world.machine).toMatchObject({ lockedOut: false, failedLogins: 0 });
    expect(await kindOf(world, "first")).toBe("ok");
  });

  test("says the GUID of another when its own is wrong", async () => {
    const guidOf = async (quirks: readonly string[]): Promise<string | undefined> => {
      const world = await makeMachineWorld({ quirks });
      const identity = await world.kernel.until(world.bmc.identify());
      return identity.ok ? identity.value.guid : identity.error.message;
    };
    const [own, wrong] = [await guidOf([]), await guidOf(["wrong-guid"])];
    expect(own).not.toBe(wrong);
    expect(wrong).toContain("ac1f6b");
  });

  test.each(quirkNames.map((name) => [name]))(
    "with %s still switches on when it is asked often enough",
    async (name) => {
      const world = await makeMachineWorld({ quirks: [name] });
      for (let tries = 0; tries < 10 && !world.machine.on; tries += 1) {
        await send(world, "on");
        await world.pass(20_000);
      }
      expect(world.machine.on).toBe(true);
    },
  );

  test("switches the other machine when cables are exchanged, and its own again after", async () => {
    const [one, other] = [await makeMachineWorld({}, "1"), await makeMachineWorld({}, "2")];
    const addresses = [one.machine.bmcAddress, other.machine.bmcAddress];
    one.machine.exchangeCables(other.machine);
    await send(one, "on");
    expect([one.machine.on, other.machine.on]).toEqual([false, true]);
    one.machine.exchangeCables(other.machine);
    expect([one.machine.bmcAddress, other.machine.bmcAddress]).toEqual(addresses);
    await send(one, "on");
    expect(one.machine.on).toBe(true);
  });
});
