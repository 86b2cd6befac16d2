// The parts of the Go build that need no compiler.

import { describe, expect, it } from "vitest";
import { modulesAtZero } from "./go-program.ts";
import { isNewEnough } from "./go-toolchain.ts";

describe("modulesAtZero", () => {
  it("finds the modules at v0.0.0 in blocks and single lines, and no pseudo-version", () => {
    const goMod = [
      "module k8s.io/kubernetes",
      "require k8s.io/single v0.0.0",
      "require (",
      "\tgithub.com/other/thing v1.2.3",
      "\tk8s.io/api v0.0.0",
      "\tk8s.io/utils v0.0.0-20260210185600-b8788abfbbc2",
      "\tk8s.io/kms v0.0.0 // indirect",
      ")",
      "replace (",
      "\tk8s.io/api => ./staging/src/k8s.io/api",
      ")",
    ].join("\n");
    expect(modulesAtZero(goMod)).toEqual(["k8s.io/single", "k8s.io/api", "k8s.io/kms"]);
  });
});

describe("isNewEnough", () => {
  it.each([
    ["go version go1.26.8 linux/amd64", true],
    ["go version go1.30rc1 linux/amd64", true],
    ["go version go1.25.9 linux/amd64", false],
    ["go: command not found", false],
  ])("judges %j as %s", (text, expected) => {
    expect(isNewEnough(text)).toBe(expected);
  });
});
