import { spawn } from "node:child_process";
import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { enrolToken } from "../../../shared/protocol/enrolment.ts";
import {
  adminToken,
  install,
  type Installation,
  type Instance,
} from "../../support/control-plane/instances.ts";

describe("npm run admin", () => {
  let installation: Installation;
  let instance: Instance;
  let directory: string;
  beforeAll(async () => {
    installation = await install(1);
    instance = await installation.start("node");
    directory = await mkdtemp(join(tmpdir(), "farrier-test-admin-"));
    await writeFile(join(directory, "ca.pem"), installation.caPem);
  });
  afterAll(async () => {
    await installation.stop();
    await rm(directory, { recursive: true, force: true });
  });

  function admin(args: readonly string[], environment: Record<string, string> = {}) {
    const program = new URL("../../../infra/admin/admin.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [program, ...args], {
      env: {
        PATH: process.env["PATH"],
        FARRIER_URL: instance.origin,
        FARRIER_ADMIN_TOKEN: adminToken,
        FARRIER_CA: join(directory, "ca.pem"),
        ...environment,
      },
    });
    let out = "";
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    return new Promise<{ code: number | null; out: string; errors: string }>((resolve) => {
      child.once("close", (code) => resolve({ code, out, errors }));
    });
  }

  test("takes an operator from nothing to an enrolled agent", async () => {
    expect((await admin(["site", "add", "lab"])).code).toBe(0);
    const cluster = await admin(["cluster", "add", "east"]);
    expect(cluster.out).toMatch(
      new RegExp(`^${instance.origin}/k8s/v1/admission/[0-9a-f]{48}$`, "m"),
    );
    const created = await admin(["token", "create", "--site", "lab", "--ttl", "10m"]);
    const [line = ""] = created.out.split("\n");
    const token = enrolToken.parse(
      JSON.parse(Buffer.from(line.replace(/^farrier-/, ""), "base64url").toString()),
    );
    const fingerprint = createHash("sha256")
      .update(new X509Certificate(installation.caPem).raw)
      .digest("hex");
    expect(token).toMatchObject({ url: instance.origin, ca: fingerprint });
    const key = (type: "ed25519" | "x25519") => {
      const pair = type === "ed25519" ? generateKeyPairSync(type) : generateKeyPairSync(type);
      return Buffer.from(String(pair.publicKey.export({ format: "jwk" }).x), "base64url").toString(
        "base64",
      );
    };
    const answer = await instance.ask("POST", "/agents/enrol", {
      body: {
        token: token.secret,
        signingKey: key("ed25519"),
        sealingKey: key("x25519"),
        hostname: "h",
        programVersion: "1",
      },
    });
    const { agentId, state } = answer.json();
    expect(state).toBe("pending");
    expect((await admin(["agent", "approve", String(agentId)])).code).toBe(0);
    const agents = JSON.parse((await admin(["agents", "--json"])).out) as { agents: unknown };
    expect(agents.agents).toMatchObject([{ id: agentId, state: "approved", site: "lab" }]);
    expect((await admin(["hosts"])).out).toBe("There are no hosts yet.\n");
    expect((await admin(["operations", "--json"])).out).toBe('{"operations":[]}\n');
  });

  test("says what to do when something is wrong", async () => {
    const unset = await admin(["sites"], { FARRIER_URL: "" });
    expect([unset.code, unset.errors]).toEqual([1, expect.stringContaining("Set FARRIER_URL")]);
    const wrong = await admin(["sites"], { FARRIER_ADMIN_TOKEN: "another token of operators" });
    expect(wrong.errors).toContain("Check FARRIER_ADMIN_TOKEN");
    const untrusted = await admin(["sites"], { FARRIER_CA: "" });
    expect([untrusted.code, untrusted.errors]).toEqual([1, expect.stringContaining("FARRIER_CA")]);
    const odd = await admin(["token", "create", "--site", "lab", "--ttl", "soon"]);
    expect(odd.errors).toContain("write 90s, 30m or 1h");
    expect((await admin(["frobnicate"])).errors).toContain('no command "frobnicate"');
  });
});
