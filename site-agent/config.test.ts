// The agent's configuration: all mistakes at once, each with its field; the help names every field.
import { expect, test } from "vitest";
import { describeConfig, parseConfig } from "./config.ts";

const site = {
  address: "172.22.0.1",
  prefixLength: 24,
  rangeFrom: "172.22.0.100",
  rangeTo: "172.22.0.199",
  bootLoaderBios: "/boot/undionly.kpxe",
  bootLoaderUefi: "/boot/snponly.efi",
  kernel: "/boot/vmlinuz",
  initrds: ["/boot/base.cpio"],
};
const whole = { hub: { url: "https://hub.example" }, stateDirectory: "/var/lib/farrier", site };

function mistakes(config: unknown): string[] {
  const parsed = parseConfig(
    typeof config === "string" ? config : JSON.stringify(config),
    "agent.yaml",
  );
  return parsed.ok ? [] : parsed.error.message.split("\n");
}

test("a configuration with what is required gets the defaults", () => {
  const parsed = parseConfig(JSON.stringify(whole), "agent.yaml");
  expect(parsed.ok && parsed.value).toMatchObject({
    site: { bootPort: 8080, ramdiskPort: 8443, bootSeconds: 600, writeBytesPerSecond: 0 },
  });
});

test("YAML is read as well as JSON", () => {
  expect(mistakes("hub: {url: https://hub.example}\nstateDirectory: /s\ncluster: {}\n")).toEqual(
    [],
  );
});

test("several mistakes are told at once, each with its field and what it wants", () => {
  const lines = mistakes({
    hub: { url: "hub.example", token: "x" },
    stateDirectory: "state",
    site: { ...site, address: "172.22.0", initrds: [], bootPort: 0, kernelParameters: ["a b"] },
  });
  expect(lines[0]).toBe("agent.yaml has 7 mistake(s):");
  expect(lines.slice(1, -1).toSorted()).toEqual([
    expect.stringMatching(/^ {2}hub.url: must be an http or https URL/),
    expect.stringMatching(/^ {2}hub: .*"token"/),
    expect.stringMatching(/^ {2}site.address: must be an IPv4 address/),
    expect.stringMatching(/^ {2}site.bootPort: /),
    expect.stringMatching(/^ {2}site.initrds: /),
    expect.stringMatching(/^ {2}site.kernelParameters.0: /),
    expect.stringMatching(/^ {2}stateDirectory: must be an absolute path/),
  ]);
  expect(lines.at(-1)).toBe("All fields: --help");
});

test("what is missing is told as missing", () => {
  expect(mistakes({ site: { ...site, kernel: undefined } })).toEqual([
    "agent.yaml has 3 mistake(s):",
    "  hub: is missing",
    "  stateDirectory: is missing",
    "  site.kernel: is missing",
    "All fields: --help",
  ]);
});

test("a network that does not fit together is told with the other mistakes", () => {
  const config = {
    ...whole,
    hub: {},
    site: { ...site, rangeFrom: "10.0.0.200", ramdiskPort: 8080 },
  };
  expect(mistakes(config).slice(1, -1)).toEqual([
    "  hub.url: must be an http or https URL",
    expect.stringContaining("site: rangeFrom 10.0.0.200 is not in the network of 172.22.0.1/24"),
    "  site: bootPort and ramdiskPort are both 8080; change one",
  ]);
});

test("neither site nor cluster is told with the other mistakes", () => {
  expect(mistakes({ hub: { url: "https://hub.example" } }).slice(1, -1)).toEqual([
    "  stateDirectory: is missing",
    expect.stringContaining("neither a site nor a cluster"),
  ]);
});

test.each(["", "just text", "[]", "hub: [", "{"])(
  "a file that holds %j is refused by its name",
  (text) => {
    expect(mistakes(text)[0]).toContain("agent.yaml");
  },
);

test("the help names every field with its meaning, and what is required or the default", () => {
  const lines = describeConfig().split("\n");
  const names = lines.map((line) => /^ {2}([A-Za-z.]+)/.exec(line)?.[1]);
  expect(names).toEqual([
    "hub",
    "hub.url",
    "hub.feedUrl",
    "hub.caFile",
    "enrolTokenFile",
    "stateDirectory",
    "site",
    "site.address",
    "site.prefixLength",
    "site.rangeFrom",
    "site.rangeTo",
    "site.interface",
    "site.bootPort",
    "site.ramdiskPort",
    "site.bootLoaderBios",
    "site.bootLoaderUefi",
    "site.kernel",
    "site.initrds",
    "site.kernelParameters",
    "site.guardFile",
    "site.writeBytesPerSecond",
    "site.imageCacheBytes",
    "site.bootSeconds",
    "site.powerSeconds",
    "site.softPowerOffSeconds",
    "cluster",
    "cluster.kubeconfig",
    "cluster.conversion",
    "cluster.conversion.host",
    "cluster.conversion.port",
    "cluster.conversion.address",
    "cluster.openShift",
  ]);
  expect(lines.filter((line) => !/: \S.{5,}/.test(line))).toEqual([]);
  expect(lines).toContain("  site.bootPort [8080]: plain HTTP for boot files");
  expect(lines.find((line) => line.includes("hub.url"))).toContain("(required)");
});
