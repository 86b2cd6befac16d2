import { expect, test } from "vitest";
import { s44 } from "./s44-no-commands.ts";
import { madeMachine, tryJudge } from "./try-judge.ts";

const line =
  "initrd=initrd-0 farrier.agent=https://10.1.0.1:8443 farrier.fingerprint=ab farrier.token=cd farrier.mac=52:54:01:00:01:00";

function says(commandLine: string): readonly string[] {
  const about = { machine: "m1", boot: 1, running: "ramdisk", commandLine } as const;
  const truth = { machines: new Map([["m1", madeMachine()]]) };
  return tryJudge(s44, [{ at: 1, kind: "running", ...about }], { truth });
}

test("our own words keep the invariant", () => {
  expect(says(line)).toEqual([]);
});

test.each([
  [`${line} init=/bin/sh`, '"init=/bin/sh" is on the kernel\'s command line'],
  [
    `${line} farrier.agent=https://10.6.6.6`,
    "the kernel is told agent, fingerprint, token, mac, agent",
  ],
  [line.replace("cd", "cd;reboot"), '"farrier.token=cd;reboot" is on the kernel\'s command line'],
  [line.replace("01:00:01:00", "01:00:09:00"), "it is told the MAC 52:54:01:00:09:00"],
])("another word, one that comes twice, or another value breaks it", (text, message) => {
  expect(says(text)).toEqual([message]);
});
