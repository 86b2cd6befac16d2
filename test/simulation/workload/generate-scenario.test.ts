// Scenarios are data, the same for a seed for ever, and what they have people type is what admission lets pass.
import { expect, test } from "vitest";
import { findViolations } from "../../../shared/metal3/validate-bare-metal-host.ts";
import { bareMetalHost } from "../../../shared/metal3/bare-metal-host.ts";
import { bmcAddressOf, bmcSecretOf, macOf, partsOf } from "./addresses.ts";
import { faultTable } from "./faults.table.ts";
import { generateScenario } from "./generate-scenario.ts";
import { faultClasses } from "./scenario.ts";
import type { Command, Scenario } from "./scenario.ts";

const options = {
  hosts: 6,
  minutes: 12,
  tier: "pglite",
  faults: faultClasses,
  quirks: ["slow-bmc"],
} as const;
const seeds = Array.from({ length: 200 }, (_, at) => at + 1);
const scenarios = seeds.map((seed) => generateScenario(seed, options));

/** As the world makes it of a command. */
function hostOf(command: Extract<Command, { kind: "create-host" }>, { machines }: Scenario) {
  const machine = machines.find(({ name }) => name === command.machine)!;
  const { namespace, name } = partsOf(command.host);
  const { image, ...spec } = command.spec;
  return bareMetalHost.parse({
    apiVersion: "metal3.io/v1alpha1",
    kind: "BareMetalHost",
    metadata: { name, namespace, uid: "u", resourceVersion: "1" },
    spec: {
      online: true,
      bmc: {
        address: `ipmi://${bmcAddressOf(machine)}`,
        credentialsName: bmcSecretOf(command.host),
      },
      bootMACAddress: macOf(machine),
      ...(image === undefined
        ? {}
        : { image: { url: "http://images.example/x.raw", checksum: "0".repeat(64) } }),
      ...spec,
    },
  });
}

/** The image that it deploys. */
function imageOf(command: Command): string | undefined {
  const fields = "spec" in command ? command.spec : "patch" in command ? command.patch : {};
  return (fields["image"] as { name: string } | null | undefined)?.name;
}

test("a scenario is the same for the same seed and survives JSON, for the seeds 1 to 200", () => {
  for (const scenario of scenarios) {
    expect(generateScenario(scenario.seed, options)).toEqual(scenario);
    expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario);
  }
});

test("every host that is created breaks no rule of admission", () => {
  for (const scenario of scenarios) {
    for (const command of scenario.commands) {
      if (command.kind !== "create-host") continue;
      expect(findViolations(hostOf(command, scenario))).toEqual([]);
    }
  }
});

test("every command and fault is within the faults' time and names what there is", () => {
  for (const { commands, faults, machines, images, sites, faultsMs } of scenarios) {
    const names = new Set(machines.map(({ name }) => name));
    for (const command of commands) {
      const lagMs = "lagMs" in command ? command.lagMs : 0;
      expect(command.atMs).toBeGreaterThan(0);
      expect(lagMs).toBeGreaterThanOrEqual(0);
      expect(command.atMs + lagMs).toBeLessThan(faultsMs);
      if ("machine" in command) expect(names).toContain(command.machine);
      const named = imageOf(command);
      if (named !== undefined) expect(images.map(({ name }) => name)).toContain(named);
    }
    for (const { atMs, untilMs, amount, fault } of faults) {
      const { from = 0, to = 0 } = faultTable[fault].amount ?? {};
      expect(atMs).toBeLessThan(faultsMs);
      expect(untilMs).toBeGreaterThanOrEqual(atMs);
      expect(amount).toBeGreaterThanOrEqual(from);
      expect(amount).toBeLessThanOrEqual(to);
    }
    const siteNames = sites.map(({ name }) => name);
    expect(machines.every(({ site }) => siteNames.includes(site))).toBe(true);
  }
});

test("every kind of command is drawn, and a namespace is seldom deleted", () => {
  const kinds: Readonly<Record<Command["kind"], true>> = {
    "create-host": true,
    "patch-spec": true,
    annotate: true,
    "dry-run-patch": true,
    "rejected-patch": true,
    "delete-host": true,
    "remove-finalizer": true,
    "delete-namespace": true,
    "change-password": true,
    "wrong-secret": true,
    "delete-secret": true,
    claim: true,
    release: true,
    "create-machine-set": true,
    scale: true,
    "delete-machine": true,
    "delete-machine-set": true,
    "mark-machine": true,
    "hook-machine": true,
    "power-button": true,
    "install-system": true,
  };
  const drawn = scenarios.flatMap(({ commands }) => commands.map(({ kind }) => kind));
  expect([...new Set(drawn)].toSorted()).toEqual(Object.keys(kinds).toSorted());
  const deletions = drawn.filter((kind) => kind === "delete-namespace").length;
  expect(deletions).toBeLessThan(scenarios.length / 4);
});

test("two of three hosts of a run are deployed early, so that there is something to destroy", () => {
  for (const { commands, machines } of scenarios) {
    const early = machines.filter(({ name }) =>
      commands.some(
        (command) =>
          command.atMs < 5 * 60_000 &&
          "host" in command &&
          partsOf(command.host).name === name &&
          imageOf(command) !== undefined,
      ),
    );
    expect(early.length).toBeGreaterThanOrEqual(Math.floor((machines.length * 2) / 3));
  }
});

test("the profiles are spread as meant, and a happy scenario has no fault and no quirk", () => {
  const count = (profile: string) =>
    scenarios.filter((scenario) => scenario.profile === profile).length;
  expect(count("happy")).toBeGreaterThan(8);
  expect(count("single")).toBeGreaterThan(20);
  expect(count("swarm")).toBeGreaterThan(110);
  for (const { profile, faults, machines } of scenarios) {
    if (profile === "happy") {
      expect(faults).toEqual([]);
      expect(machines.flatMap(({ quirks }) => quirks)).toEqual([]);
    }
    if (profile === "single") expect(new Set(faults.map(({ fault }) => fault)).size).toBe(1);
  }
});

test("a machine more changes nothing of the others", () => {
  const [small, large] = [6, 7].map((hosts) => generateScenario(11, { ...options, hosts }));
  const ofFirst = (scenario: Scenario | undefined) =>
    scenario?.machines.find(({ name }) => name === "m1");
  expect(ofFirst(large)).toEqual(ofFirst(small));
});
