import { expect, test } from "vitest";
import { changed, fromRamdisk } from "./made-messages.ts";
import { madeDisk, madeImage } from "./made-disk.ts";
import type { MadeDisk } from "./made-disk.ts";
import { s24 } from "./s24-one-content.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const images = [madeImage("one", 1), madeImage("two", 2)];
const [one, two] = images.map(({ bytes }) => bytes);

/** "one", then from this byte on other bytes. */
function diskWith(other: number, from: number): MadeDisk {
  const disk = madeDisk("d1", new Uint8Array(512 * 1024));
  disk.bytes.set(one ?? []);
  disk.bytes.fill(other, from, 256 * 1024);
  return disk;
}

function judged(disk: MadeDisk, events: readonly Made[]): readonly string[] {
  const machines = new Map([["m1", madeMachine({ disks: [disk] })]]);
  return tryJudge(s24, events, { truth: { machines, images } });
}

const started = { at: 1, kind: "running", machine: "m1", boot: 2 } as const;
const boots: Made = { ...started, running: "operating system", disk: "d1", system: "one" };
const inState = (state: string) => madeHost({ status: { provisioning: { state } } });
const provisioned = stored(3, inState("provisioned"), { before: inState("provisioning") });
const written = [
  changed(1),
  fromRamdisk(2, "done", "u.1", { step: "write" }),
  stored(2, inState("provisioning")),
];

test("a system that boots from a disk with parts of another image is a violation", () => {
  expect(judged(diskWith(2, 128 * 1024), [boots])).toEqual([
    `boots one, and d1 has other bytes at ${128 * 1024}`,
  ]);
});

test("a whole image, also with another table, or with parts that were erased, may boot", () => {
  expect(judged(diskWith(1, 0), [boots])).toEqual([]);
  const disk = diskWith(1, 0);
  disk.bytes.fill(9, 0, 34 * 512);
  disk.bytes.fill(9, 256 * 1024 - 34 * 512);
  expect(judged(disk, [boots])).toEqual([]);
  expect(judged(diskWith(0, 0), [boots])).toEqual([]);
});

test("a boot record breaks it that is written before the rest would outlive a loss of power", () => {
  const whole = { ...diskWith(1, 0), system: "one" };
  expect(judged(whole, [changed(1)])).toEqual([]);
  const message = `d1 would boot one after a loss of power, without ${34 * 512}`;
  const cached = { ...whole, keeps: () => false };
  expect(judged(cached, [changed(1)])).toEqual([message]);
  expect(judged({ ...diskWith(0, 0), system: "one" }, [changed(1)])).toEqual([message]);
  expect(judged({ ...cached, system: undefined }, [changed(1)])).toEqual([]);
  expect(judged({ ...cached, system: "old" }, [changed(1)])).toEqual([]);
});

test("a write that is said to be done and was not flushed breaks it with the next provisioned host", () => {
  const cached = { ...diskWith(1, 0), unflushedBytes: 65_536 };
  expect(judged(cached, [...written, provisioned])).toHaveLength(1);
});

test("a host that is provisioned after a write that left no image as it is is a violation", () => {
  expect(judged(diskWith(0, 128 * 1024), [...written, provisioned])).toHaveLength(1);
  expect(judged(diskWith(2, 128 * 1024), [...written, provisioned])).toHaveLength(1);
  expect(judged(diskWith(1, 0), [...written, provisioned])).toEqual([]);
});

test("a later write that was whole counts, and a disk that this boot did not write does not", () => {
  const disk = madeDisk("d1", new Uint8Array(512 * 1024));
  disk.bytes.set(two ?? []);
  expect(judged(disk, [...written, provisioned])).toEqual([]);
  const elsewhere = [changed(1, { disk: "d2" }), ...written.slice(1), provisioned];
  expect(judged(disk, elsewhere)).toHaveLength(1);
});
