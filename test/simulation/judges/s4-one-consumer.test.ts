import { expect, test } from "vitest";
import { s4 } from "./s4-one-consumer.ts";
import { madeHost, madeMetal3Machine, stored, tryJudge } from "./try-judge.ts";

const free = madeHost();
const usedBy = (name: string, more: Parameters<typeof madeHost>[0] = {}) =>
  madeHost({
    ...more,
    spec: { ...more.spec, consumerRef: { kind: "Metal3Machine", name, namespace: "a" } },
  });
const machine = stored(0, madeMetal3Machine("x"));
const farrier = { by: "farrier" } as const;

test("a host that is taken from its consumer is a violation, whoever does it", () => {
  for (const by of ["claimer", "farrier"] as const) {
    const taken = stored(1, usedBy("y"), { before: usedBy("x"), by });
    expect(tryJudge(s4, [machine, taken])).toEqual(["the host was taken: a/x → a/y"]);
  }
});

test("Farrier gives a host to a Metal3Machine, and to nobody else", () => {
  const given = stored(1, usedBy("x"), { before: free, ...farrier });
  expect(tryJudge(s4, [machine, given])).toEqual([]);
  expect(tryJudge(s4, [given])).toHaveLength(1);
  const person = madeHost({ spec: { consumerRef: { kind: "Human", name: "x", namespace: "a" } } });
  expect(tryJudge(s4, [machine, stored(1, person, { before: free, ...farrier })])).toHaveLength(1);
});

test("Farrier takes a host back when it is given back, and not before, nor from others", () => {
  const released = (state: string, spec = {}) => {
    const after = madeHost({ spec, status: { provisioning: { state } } });
    return stored(1, after, { before: usedBy("x"), ...farrier });
  };
  expect(tryJudge(s4, [machine, released("available")])).toEqual([]);
  expect(tryJudge(s4, [machine, released("deprovisioning")])).toHaveLength(1);
  expect(tryJudge(s4, [machine, released("available", { image: { url: "i" } })])).toHaveLength(1);
  expect(tryJudge(s4, [released("available")])).toHaveLength(1);
});

test("a consumer that goes, and another that comes, are none, nor is a host that goes", () => {
  const events = [
    stored(1, usedBy("x"), { before: free, by: "claimer" }),
    stored(2, usedBy("x"), { before: usedBy("x"), by: "farrier" }),
    stored(3, free, { before: usedBy("x"), by: "claimer" }),
    stored(4, usedBy("y"), { before: free, by: "claimer" }),
    stored(5, free, { before: usedBy("y"), by: "farrier", verb: "gone" }),
  ];
  expect(tryJudge(s4, events)).toEqual([]);
});
