import { expect, test } from "vitest";
import { changed, fromRamdisk, toRamdisk } from "./made-messages.ts";
import { s29 } from "./s29-asks-first.ts";
import { tryJudge } from "./try-judge.ts";

const asked = fromRamdisk(1, "may-destroy", "u.1");
const go = toRamdisk(2, "go", "u.1");

test.each([
  ["nothing", []],
  ["a question alone", [asked]],
  ["a yes that nobody asked for", [go]],
  ["a yes to another operation", [asked, toRamdisk(2, "go", "u.2")]],
  ["a yes of an earlier boot", [asked, toRamdisk(2, "go", "u.1", { boot: 0 })]],
  ["a no", [asked, toRamdisk(2, "refuse", "u.1")]],
  ["a yes, and another question", [asked, go, fromRamdisk(2, "may-destroy", "u.1")]],
  ["the end of the step", [asked, go, fromRamdisk(3, "done", "u.1")]],
])("a disk that is changed after %s is a violation", (_, before) => {
  expect(tryJudge(s29, [...before, changed(3)])).toEqual([
    "write on d1 without an answer to a question",
  ]);
});

test("a yes that is old when the first byte goes is a violation, when later ones go not", () => {
  expect(tryJudge(s29, [asked, go, changed(90)])).toEqual([
    "write on d1 88000 ms after it was allowed",
  ]);
  expect(tryJudge(s29, [asked, go, changed(3), changed(90), changed(300)])).toEqual([]);
});

test("a question that is asked again after the connection broke may be answered", () => {
  const events = [
    asked,
    fromRamdisk(20, "may-destroy", "u.1"),
    toRamdisk(21, "go", "u.1"),
    changed(22),
  ];
  expect(tryJudge(s29, events)).toEqual([]);
});
