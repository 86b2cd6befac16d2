import { expect, test } from "vitest";
import { chooseSite } from "./site.ts";

const key = "farrier.dev/site";
const ask = (labels: object, annotations: object, sites: string[]) =>
  chooseSite({ labels: { ...labels }, namespaceAnnotations: { ...annotations }, sites });

test("chooseSite takes the host's label before the namespace's annotation", () => {
  const choice = ask({ [key]: "north" }, { [key]: "south" }, ["north", "south"]);
  expect(choice).toEqual({ kind: "site", name: "north" });
});

test("chooseSite takes the namespace's annotation when the host has no label", () => {
  const choice = ask({}, { [key]: "south" }, ["north", "south"]);
  expect(choice).toEqual({ kind: "site", name: "south" });
});

test("chooseSite takes the only site when nothing names one", () => {
  expect(ask({}, {}, ["north"])).toEqual({ kind: "site", name: "north" });
});

test.each([
  [{}, {}, [], "there is no site yet"],
  [{}, {}, ["north", "south"], "there are 2 sites"],
  [{ [key]: "nowhere" }, {}, ["north"], '"nowhere", which does not exist'],
  [{}, { [key]: "nowhere" }, ["north"], "annotation farrier.dev/site of the namespace"],
] as const)(
  "chooseSite says what to do when %j and %j name none of %j",
  (labels, notes, sites, says) => {
    const choice = ask(labels, notes, [...sites]);
    expect(choice).toMatchObject({ kind: "none" });
    expect(choice.kind === "none" ? choice.reason : "").toContain(says);
  },
);
