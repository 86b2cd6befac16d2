import { expect, test } from "vitest";
import { openNodeDatabase } from "../../adapters/node-database.ts";
import { makeSecretVersions } from "./secret-versions.ts";

test("a version that has only other labels is known by the one whose content it has, also by the next process", () => {
  const database = openNodeDatabase(":memory:");
  const versions = makeSecretVersions(database);
  versions.relabelled({ uid: "s", from: "5", to: "9" });
  versions.relabelled({ uid: "s", from: "9", to: "12" });
  const next = makeSecretVersions(database);
  expect(next.contentOf("s", "12")).toBe("5");
  expect(next.contentOf("s", "13")).toBe("13");
  expect(next.contentOf("other", "12")).toBe("12");
  // Somebody has changed it in between.
  versions.relabelled({ uid: "s", from: "20", to: "21" });
  expect(next.contentOf("s", "21")).toBe("20");
  next.forget("s");
  expect(versions.contentOf("s", "21")).toBe("21");
});
