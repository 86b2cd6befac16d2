import { expect, test } from "vitest";
import { fromRamdisk, toRamdisk } from "./made-messages.ts";
import { s17 } from "./s17-meant-machine.ts";
import { madeHost, madeMachine, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const other = madeMachine({ name: "m2", macs: ["52:54:01:00:02:00"] });
const machines = new Map([
  ["m1", madeMachine()],
  ["m2", other],
]);
const truth = { machines };

function served(path: string, machine: string | undefined = "m1", status = 200): Made {
  return { at: 50, kind: "served", machine, client: "10.1.0.9", path, status };
}

const script = "/boot/52-54-01-00-01-00/script.ipxe";
const write = toRamdisk(2, "run", "u.1", { step: "write", userDataOf: "h" });

test("whatever a stranger is given is a violation, and what he is refused is none", () => {
  const stranger = { ...served(script), machine: undefined } as Made;
  expect(tryJudge(s17, [stranger], { truth })).toEqual([
    `${script} was given to a stranger at 10.1.0.9`,
  ]);
  const refused = { ...stranger, status: 404 } as Made;
  expect(tryJudge(s17, [refused], { truth })).toEqual([]);
});

test("another machine's boot files are a violation, its own are none", () => {
  expect(tryJudge(s17, [served(script, "m2")], { truth })).toHaveLength(1);
  expect(tryJudge(s17, [served(script)], { truth })).toEqual([]);
});

test("an image is given only between the order to write and the end of it", () => {
  const image = served("/extents");
  const host = stored(1, madeHost());
  expect(tryJudge(s17, [host, write, image], { truth })).toEqual([]);
  expect(tryJudge(s17, [image], { truth })).toHaveLength(1);
  const done = fromRamdisk(3, "done", "u.1", { step: "write" });
  expect(tryJudge(s17, [host, write, done, image], { truth })).toHaveLength(1);
  expect(tryJudge(s17, [host, write, done, { ...image, at: 30 }], { truth })).toEqual([]);
  const erase = toRamdisk(3, "run", "u.2", { step: "erase" });
  expect(tryJudge(s17, [host, write, erase, image], { truth })).toHaveLength(1);
});

test("user data of another host, or for another machine, is a violation", () => {
  const host = stored(1, madeHost());
  const others = toRamdisk(2, "run", "u.1", { step: "write", userDataOf: "h2" });
  expect(tryJudge(s17, [host, others], { truth })).toHaveLength(1);
  const astray = toRamdisk(2, "run", "u.1", { machine: "m2", step: "write", userDataOf: "h" });
  expect(tryJudge(s17, [host, astray], { truth })).toHaveLength(1);
  expect(tryJudge(s17, [host, write], { truth })).toEqual([]);
});
