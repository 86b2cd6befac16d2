// What people get wrong about hosts, Secrets, BMCs, tokens and configurations: each gets a message with the thing,
// its value and the way out, and a host recovers by itself when the cause is mended.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tryProgram } from "../../infra/preparation/run-program.ts";
import type { BareMetalHost, BareMetalHostStatus } from "../../shared/metal3/bare-metal-host.ts";
import { bmcPassword, bmcUser, type TestBmc } from "./bmcs.ts";
import { siteName, startFleet, type Fleet } from "./fleet.ts";
import { hostObject, secretObject } from "./objects.ts";

let fleet: Fleet;
/** By the host's name. */
const bmcs = new Map<string, TestBmc>();

const namesOfHosts = [
  "no-secret",
  "no-password",
  "wrong-password",
  "silent",
  "shared-mac",
] as const;
const sharedMac = "52:54:00:00:00:b1";

/** All hosts begin at once, so that their waits overlap. */
beforeAll(async () => {
  fleet = await startFleet();
  for (const name of namesOfHosts) bmcs.set(name, await fleet.bmcs.add());
  bmcOf("silent").simulator.faults.drop = () => true;
  await fleet.apply(
    secretObject("no-password", { username: bmcUser }),
    secretObject("wrong-password", { username: bmcUser, password: "Tr0ub4dor" }),
    secretObject("silent"),
    secretObject("shared-mac"),
    ...namesOfHosts.map((name) =>
      hostObject(name, {
        externallyProvisioned: true,
        bmc: { address: bmcOf(name).url, credentialsName: name },
        ...(name === "shared-mac" ? { bootMACAddress: sharedMac } : {}),
      }),
    ),
  );
});
afterAll(async () => await fleet?.stop());

function bmcOf(name: string): TestBmc {
  const bmc = bmcs.get(name);
  if (bmc === undefined) throw new Error(`no BMC ${name}`);
  return bmc;
}

const isRegistered = ({ status }: BareMetalHost) =>
  status?.provisioning.state === "externally provisioned" && status.errorType === undefined;

/** The status once an error with these words is in it. */
async function failure(name: string, words: string): Promise<BareMetalHostStatus> {
  const { status } = await fleet.hosts.until(
    name,
    (host) => host.status?.errorMessage.includes(words) === true,
  );
  expect(status).toMatchObject({
    operationalStatus: "error",
    errorType: "registration error",
    provisioning: { state: "registering", ID: "" },
  });
  return status as BareMetalHostStatus;
}

async function untilRegistered(name: string): Promise<void> {
  const { status } = await fleet.hosts.until(name, isRegistered);
  expect(status).toMatchObject({ operationalStatus: "OK", errorMessage: "", errorCount: 0 });
}

describe("a Secret of BMC credentials", () => {
  it("that is missing is asked for, and the host goes on when it comes [B09 B10]", async () => {
    const { errorMessage } = await failure("no-secret", "does not exist");
    expect(errorMessage).toContain('Secret "no-secret" of spec.bmc.credentialsName');
    expect(errorMessage).toContain(
      "namespace metal; create it with the keys username and password",
    );
    const { generation } = fleet.hosts.get("no-secret")?.metadata ?? {};
    await fleet.apply(secretObject("no-secret"));
    await untilRegistered("no-secret");
    expect(fleet.hosts.get("no-secret")?.metadata.generation).toBe(generation);
  });

  it("without password is told once, and the host goes on when it is mended [B11]", async () => {
    const { errorMessage, errorCount } = await failure("no-password", "password");
    expect(errorMessage).toContain('Secret "no-password"');
    expect(errorMessage).toContain("it has the keys username");
    expect(errorCount).toBe(1);
    await fleet.apply(secretObject("no-password", { username: bmcUser, password: bmcPassword }));
    await untilRegistered("no-password");
    const counts = fleet.hosts.history("no-password").map((host) => host.status?.errorCount ?? 0);
    expect(Math.max(...counts)).toBe(1);
    expect(bmcOf("no-password").simulator.record).toMatchObject({ attempts: 1, failures: 0 });
  });

  it("with a wrong password costs two logins at most, until it is changed", async () => {
    const { record } = bmcOf("wrong-password").simulator;
    await failure("wrong-password", "does not accept user");
    // Asked for again and again, the agent still does not try a third time.
    for (const turn of ["1", "2", "3"]) {
      await fleet.kubectl(["annotate", "bmh", "wrong-password", `farrier.dev/retry=${turn}`]);
      await fleet.hosts.until(
        "wrong-password",
        ({ metadata }) => metadata.annotations?.["farrier.dev/retry"] === undefined,
      );
    }
    // Nor because something else of the Secret changes.
    await fleet.kubectl(["label", "secret", "wrong-password", "rack=7"]);
    const args = [
      "get",
      "secret",
      "wrong-password",
      "--output=jsonpath={.metadata.resourceVersion}",
    ];
    const labelled = await fleet.kubectl(args);
    await fleet.hosts.until(
      "wrong-password",
      ({ status }) => status?.triedCredentials?.credentialsVersion === labelled,
    );
    const { errorMessage } = await failure("wrong-password", "2 times");
    expect(errorMessage).toContain(`user "${bmcUser}"`);
    expect(errorMessage).toContain("correct the credentials Secret");
    expect(errorMessage).not.toContain("Tr0ub4dor");
    expect(record).toMatchObject({ attempts: 2, logins: [] });
    await fleet.apply(secretObject("wrong-password"));
    await untilRegistered("wrong-password");
    expect(record).toMatchObject({ attempts: 3, failures: 0 });
  });
});

describe("a BMC", () => {
  it("that does not answer is named, and its host goes on when it does", async () => {
    const { errorMessage } = await failure("silent", "does not answer");
    expect(errorMessage).toContain(bmcOf("silent").url.replace("ipmi://", ""));
    expect(errorMessage).toContain("check its address");
    bmcOf("silent").simulator.faults.drop = () => false;
    await untilRegistered("silent");
  });

  it("or MAC of a host elsewhere makes the second host wait until the first is gone", async () => {
    await untilRegistered("shared-mac");
    await fleet.kubectl(["create", "namespace", "elsewhere"]);
    const { url: address } = await fleet.bmcs.add();
    const namespace = "elsewhere";
    const twin = hostObject(
      "twin",
      {
        externallyProvisioned: true,
        bootMACAddress: sharedMac,
        bmc: { address, credentialsName: "twin" },
      },
      { namespace },
    );
    const input = {
      apiVersion: "v1",
      kind: "List",
      items: [secretObject("twin", undefined, namespace), twin],
    };
    const args = ["apply", "--namespace=elsewhere", "--filename=-"];
    await fleet.kubernetes.kubectl(args, { input: JSON.stringify(input) });
    const { status } = await fleet.hosts.until(
      "twin",
      (host) => host.status?.errorType === "registration error",
      { namespace },
    );
    expect(status?.errorMessage).toBe(
      `spec.bootMACAddress: MAC address ${sharedMac} is used by another host; correct it, or have that host removed`,
    );
    await fleet.kubectl(["delete", "bmh", "shared-mac", "--timeout=30s"]);
    await fleet.hosts.until("twin", isRegistered, { namespace });
  });
});

describe("an enrolment token", () => {
  /** The agent's program with a state of its own and this token, to its end. */
  async function enrolWith(name: string, token: string): Promise<string> {
    const { config } = fleet.agent;
    const enrolTokenFile = join(fleet.directory, `${name}-token`);
    // The fleet's agent has the port of conversion already.
    const { conversion: _taken, ...cluster } = config["cluster"] as Record<string, unknown>;
    const text = JSON.stringify({
      ...config,
      cluster,
      stateDirectory: join(fleet.directory, `${name}-state`),
      enrolTokenFile,
    });
    await writeFile(enrolTokenFile, token, { mode: 0o600 });
    const { code, stderr } = await fleet.agent.tryConfig(`${name}.json`, text);
    expect(code).toBe(1);
    return stderr;
  }
  const decoded = (token: string) =>
    JSON.parse(Buffer.from(token.replace("farrier-", ""), "base64url").toString()) as object;

  it("that the hub does not know is refused", async () => {
    const other = { ...decoded(await fleet.agent.readToken()), secret: "x".repeat(64) };
    const wrong = `farrier-${Buffer.from(JSON.stringify(other)).toString("base64url")}`;
    const said = await enrolWith("unknown", wrong);
    expect(said).toContain("refused the enrolment (401): ");
    expect(said).toContain("this token is not known here");
    expect(said).not.toContain("x".repeat(64));
  });

  it("that was used is refused, and so is one that has expired", async () => {
    const token = await fleet.agent.readToken();
    expect(await enrolWith("used", token)).toContain("was used already; create another one");
    const late = await fleet.makeToken("--site", siteName);
    await fleet.sql`UPDATE tokens SET expires_at = 0 WHERE used_by IS NULL`;
    expect(await enrolWith("late", late)).toContain("has expired; create another one");
  });

  it("that was cut off in copying is told from one that is no token at all", async () => {
    const token = await fleet.agent.readToken();
    expect(await enrolWith("cut", token.slice(0, 60))).toContain("cut off or damaged");
    const said = await enrolWith("none", "hunter2");
    expect(said).toContain('does not begin with "farrier-"');
    expect(said).not.toContain("hunter2");
  });
});

describe("a configuration with several mistakes tells all of them at once", () => {
  it("to whoever starts an agent", async () => {
    const { config } = fleet.agent;
    const wrong = {
      ...config,
      hub: { url: "hub.example" },
      stateDirectory: "agent",
      site: { ...(config["site"] as object), rangeFrom: "10.0.0.300", prefixLenght: 24 },
    };
    const { code, stderr } = await fleet.agent.tryConfig("wrong.json", JSON.stringify(wrong));
    expect(code).toBe(1);
    for (const words of [
      "hub.url: must be an http or https URL",
      "stateDirectory: must be an absolute path",
      "site.rangeFrom: must be an IPv4 address",
      "prefixLenght",
      "--help",
    ]) {
      expect(stderr).toContain(words);
    }
  });

  it("to whoever starts a control plane", async () => {
    const program = new URL("../../control-plane/entry/node.ts", import.meta.url).pathname;
    const { code, stderr } = await tryProgram(process.execPath, [program], {
      env: {
        FARRIER_PORT: "eighty",
        FARRIER_ORIGIN: "https://hub.example/farrier",
        DATABASE_URL: "mysql://db",
        FARRIER_ADMIN_TOKEN: "short",
        FARRIER_TLS_CRT: "/etc/tls.crt",
      },
      timeoutMs: 30_000,
    });
    expect(code).toBe(2);
    for (const words of [
      "FARRIER_PORT: must be a port number",
      "FARRIER_ORIGIN: must be like https://farrier.example",
      "DATABASE_URL: must be a postgres:// URL",
      "FARRIER_ADMIN_TOKEN: must have at least 16 characters",
      '"FARRIER_TLS_CRT" is not known; did you mean FARRIER_TLS_CERT?',
      "--help",
    ]) {
      expect(stderr).toContain(words);
    }
    expect(stderr).not.toContain("short");
  });
});
