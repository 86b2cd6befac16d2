import { expect, test } from "vitest";
import { configHelp, readConfig } from "./config.ts";

test("readConfig gives defaults when nothing is set", () => {
  const config = readConfig({ PATH: "/bin", FARRIER_PORT: "" });
  expect(config).toMatchObject({
    ok: true,
    value: { FARRIER_PORT: 8443, FARRIER_HOST: "127.0.0.1", FARRIER_DATABASE_POOLER: false },
  });
});

test("readConfig tells all mistakes at once, one a line", () => {
  const config = readConfig({
    FARRIER_PORT: "seventy",
    DATABASE_URL: "mysql://x",
    FARRIER_ADMIN_TOKEN: "short",
    FARRIER_ORGIN: "https://a.example",
  });
  const lines = config.ok ? [] : config.error.message.split("\n");
  expect(lines.map((line) => line.split(/[:"]/).find((part) => part !== ""))).toEqual([
    "FARRIER_PORT",
    "DATABASE_URL",
    "FARRIER_ADMIN_TOKEN",
    "FARRIER_ORGIN",
  ]);
  expect(lines.at(-1)).toContain("did you mean FARRIER_ORIGIN?");
});

test("readConfig never quotes a secret when the value is wrong", () => {
  const config = readConfig({
    FARRIER_ADMIN_TOKEN: "hunter2",
    DATABASE_URL: "postgres://u:hunter2 @h",
  });
  expect(config.ok).toBe(false);
  expect(config.ok ? "" : config.error.message).not.toContain("hunter2");
});

test("readConfig wants certificate and key together", () => {
  const config = readConfig({ FARRIER_TLS_CERT: "/tls.crt" });
  expect(config.ok ? "" : config.error.message).toContain("FARRIER_TLS_KEY");
});

test("readConfig reads several origins, and refuses one with a path", () => {
  expect(readConfig({ FARRIER_ORIGIN: "https://a.example, https://b.example:8443" })).toMatchObject(
    {
      value: { FARRIER_ORIGIN: ["https://a.example", "https://b.example:8443"] },
    },
  );
  expect(readConfig({ FARRIER_ORIGIN: "https://a.example/" }).ok).toBe(false);
});

test("configHelp names every variable", () => {
  for (const name of ["FARRIER_PORT", "DATABASE_URL", "FARRIER_TLS_KEY", "FARRIER_ADMIN_TOKEN"]) {
    expect(configHelp()).toContain(name);
  }
});
