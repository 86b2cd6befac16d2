// The site guard's file: what it forbids, and that a file with a mistake forbids everything.
import { beforeEach, expect, test } from "vitest";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { makeFakeFiles } from "../../test/support/fake-files.ts";
import { makeSiteGuard, type GuardedAct, type SiteGuard } from "./site-guard.ts";

const path = "/etc/farrier/guard.json";
const files = makeFakeFiles();
let kept: Readonly<Record<string, number>> = {};
const memory = {
  read: () => kept,
  write(times: Readonly<Record<string, number>>) {
    kept = times;
  },
};
let clock = makeVirtualClock();
let guard: SiteGuard;
beforeEach(() => {
  kept = {};
  clock = makeVirtualClock();
  guard = makeSiteGuard({ files, clock, memory }, path);
});

async function rules(text: string): Promise<void> {
  await files.writeFile(path, new TextEncoder().encode(text));
}
const mac = "52:54:00:fa:00:01";
const systemUuid = "6fa59e1e-1111-2222-3333-444455556666";
const ask = (act: GuardedAct = "destroy", hostUid = "u1", macs = [mac]) =>
  guard.problem({ act, hostUid, macs, systemUuid });

test("without a file everything is allowed", async () => {
  guard = makeSiteGuard({ files, clock, memory }, undefined);
  expect(await ask()).toBeUndefined();
});

test.each(["52:54:00:fa:00:01", "52-54-00-FA-00-01", "525400fa0001", "5254.00fa.0001"])(
  "a protected MAC protects, spelled %s",
  async (spelling) => {
    await rules(JSON.stringify({ "protected-macs": [spelling] }));
    expect(await ask("touch")).toContain(mac);
    expect(await ask("destroy")).toContain(mac);
    expect(await ask("destroy", "u2", ["52:54:00:00:00:09"])).toBeUndefined();
  },
);

test("a protected UUID protects, whatever its case", async () => {
  await rules(JSON.stringify({ "protected-uuids": [systemUuid.toUpperCase()] }));
  expect(await ask("touch")).toContain(systemUuid);
});

test('"allow-destructive": false forbids destruction and not a power-on', async () => {
  await rules('{"allow-destructive": false}');
  expect(await ask("destroy")).toContain("allow-destructive");
  expect(await ask("touch")).toBeUndefined();
});

test("the budget counts hosts in ten minutes, and a host once", async () => {
  await rules('{"hosts-per-10-minutes": 2}');
  expect(await ask("destroy", "u1")).toBeUndefined();
  expect(await ask("destroy", "u1")).toBeUndefined();
  expect(await ask("destroy", "u2")).toBeUndefined();
  expect(await ask("destroy", "u3")).toContain("2 hosts in 10 minutes");
  expect(await ask("touch", "u3")).toBeUndefined();
  await clock.advance(600_001);
  expect(await ask("destroy", "u3")).toBeUndefined();
});

test("what somebody else did counts as the whole budget, of which nothing is given back", async () => {
  await rules('{"hosts-per-10-minutes": 2}');
  expect(await ask("destroy", "u1")).toBeUndefined();
  guard.othersWorked(60_000);
  guard.othersWorked(3_600_000);
  expect(await ask("destroy", "u2")).toContain("for 9 minutes more");
  expect(await ask("destroy", "u1")).toBeUndefined();
  await clock.advance(539_999);
  expect(await ask("destroy", "u2")).toContain("for 1 minutes more");
  await clock.advance(1);
  expect(await ask("destroy", "u2")).toBeUndefined();
  expect(await ask("destroy", "u3")).toContain("they are used up");
});

test("without a budget nobody asks what somebody else did", async () => {
  await rules("{}");
  guard.othersWorked(0);
  expect(await ask()).toBeUndefined();
});

test.each([
  ["is not JSON", "{"],
  ["has a field that is not known", '{"protected-mac": []}'],
  ["has a MAC that is none", '{"protected-macs": ["52:54:00"]}'],
  ["has a UUID that is none", '{"protected-uuids": ["6fa59e1e"]}'],
])("a file that %s forbids everything and says so", async (_words, text) => {
  await rules(text);
  expect(await ask("touch")).toContain(path);
  expect(await ask("destroy")).toContain("until it is mended");
});

test("a file that is gone forbids everything, and is read anew when it is back", async () => {
  await files.remove(path);
  expect(await ask()).toContain("cannot be read (missing)");
  await rules("{}");
  expect(await ask()).toBeUndefined();
});

test("the budget goes on after a restart of the agent", async () => {
  await rules('{"hosts-per-10-minutes": 1}');
  expect(await ask("destroy", "u1")).toBeUndefined();
  guard = makeSiteGuard({ files, clock, memory }, path);
  expect(await ask("destroy", "u1")).toBeUndefined();
  expect(await ask("destroy", "u2")).toContain("1 hosts in 10 minutes");
  await clock.advance(600_001);
  expect(await ask("destroy", "u2")).toBeUndefined();
});
