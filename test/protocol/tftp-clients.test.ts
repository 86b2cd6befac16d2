// TFTP clients of others judge our server: curl, tftp-hpa, atftp (with window sizes) and busybox,
// each on a host with a lease. A file is right when its digest is.

import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startNetbootLab } from "./netboot-lab.ts";
import type { ClientHost, NetbootLab } from "./netboot-lab.ts";

// A whole number of blocks of 512 and of 1468 bytes, so that the last one is empty; the other ends
// within a block and needs more of 512 bytes than 16 bits can count.
const evenBytes = 512 * 1468;
const longBytes = 512 * 66_000 + 77;

let site: NetbootLab;
let host: ClientHost;
let folder: string;
const digests: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-tftp-"));
  await writeRandom("even.efi", evenBytes);
  await writeRandom("long.kpxe", longBytes);
  site = await startNetbootLab({
    packages: ["busybox-static", "curl", "tftp-hpa", "atftp"],
    config: { bootFiles: { uefi: join(folder, "even.efi"), bios: join(folder, "long.kpxe") } },
  });
  host = await site.addHost("52:54:00:fa:02:01");
  await site.allow({ mac: host.mac, address: "192.168.100.31" });
  const lease = ["-i", "eth0", "-f", "-q", "-n", "-s", "/bin/true"];
  expect((await host.run("busybox", "udhcpc", ...lease)).code).toBe(0);
  const address = ["address", "add", "192.168.100.31/24", "dev", "eth0"];
  expect((await host.run("ip", ...address)).code).toBe(0);
});
afterAll(async () => {
  await site.stop();
  await rm(folder, { recursive: true });
});

async function writeRandom(name: string, bytes: number): Promise<void> {
  const content = randomBytes(bytes);
  digests[name] = digestOf(content);
  await writeFile(join(folder, name), content);
}

function digestOf(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Runs a client that writes to `target` and compares what it wrote with the file of that name. */
async function expectWhole(
  name: string,
  client: (target: string) => readonly string[],
): Promise<void> {
  const target = join(folder, `got-${name}`);
  await rm(target, { force: true });
  const { code, stdout, stderr } = await host.run(...client(target));
  const got = await readFile(target).catch(() => Buffer.alloc(0));
  expect(digestOf(got), `code ${code}, ${got.length} bytes: ${stdout}${stderr}`).toBe(
    digests[name],
  );
}

const server = "192.168.100.1";

describe("curl", () => {
  const curl = (target: string, ...flags: string[]): string[] => {
    const source = `tftp://${server}/even.efi`;
    return ["curl", "--silent", "--show-error", ...flags, "--output", target, source];
  };

  it.each([512, 1468, 65_464])("reads a whole file with blocks of %i bytes", async (bytes) => {
    const flags = ["--tftp-blksize", String(bytes)];
    await expectWhole("even.efi", (target) => curl(target, ...flags));
  });

  it("reads a whole file without any option", async () => {
    await expectWhole("even.efi", (target) => curl(target, "--tftp-no-options"));
  });

  it("hears at once that there is no such file", async () => {
    const startedAt = performance.now();
    const { code } = await host.run("curl", "--silent", `tftp://${server}/grubx64.efi`);
    expect(code).toBe(68); // TFTP: file not found
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it("is refused when it wants to write", async () => {
    const upload = ["--upload-file", "/etc/hostname", `tftp://${server}/x`];
    const { code } = await host.run("curl", "--silent", ...upload);
    expect(code).toBe(69); // TFTP: permission problem on the server
  });
});

describe("tftp-hpa", () => {
  it("reads more blocks than 16 bits can count", async () => {
    const get = ["tftp", "-m", "binary", server, "-c", "get", "long.kpxe"];
    await expectWhole("long.kpxe", (target) => [...get, target]);
  });
});

describe("atftp", () => {
  const get = (target: string, name: string, ...options: string[]): string[] => {
    const flags = options.flatMap((option) => ["--option", option]);
    const files = ["--remote-file", name, "--local-file", target];
    return ["atftp", ...flags, "--get", ...files, server];
  };

  it.each([1, 4, 16, 32, 64])("reads a whole file with a window of %i blocks", async (blocks) => {
    await expectWhole("even.efi", (target) =>
      get(target, "even.efi", `windowsize ${blocks}`, "blksize 1468"),
    );
  });

  it("reads more blocks than 16 bits can count, in windows", async () => {
    await expectWhole("long.kpxe", (target) => get(target, "long.kpxe", "windowsize 16"));
  });
});

describe("busybox tftp", () => {
  it("reads a whole file", async () => {
    const get = ["busybox", "tftp", "-g", "-b", "1432", "-r", "even.efi", "-l"];
    await expectWhole("even.efi", (target) => [...get, target, server]);
  });
});

describe("any client", () => {
  it("is refused when its host has no lease or was withdrawn", async () => {
    const read = ["curl", "--silent", "--show-error", `tftp://${server}/even.efi`];
    const stranger = await site.addHost("52:54:00:fa:02:02");
    await stranger.run("ip", "address", "add", "192.168.100.32/24", "dev", "eth0");
    expect((await stranger.run(...read)).code).toBe(68);
    await site.withdraw(host.mac);
    expect((await host.run(...read)).code).toBe(68);
    await site.allow({ mac: host.mac, address: "192.168.100.31" });
    expect((await host.run(...read)).code).toBe(0);
  });
});
