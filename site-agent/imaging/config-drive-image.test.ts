import { describe, expect, test } from "vitest";
import { buildConfigDrive } from "./config-drive-image.ts";

const host = { uid: "u-1", namespace: "metal3", name: "node-0" };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function contains(image: Uint8Array, part: string): boolean {
  return Buffer.from(image).includes(part);
}

describe("buildConfigDrive", () => {
  test("turns YAML into JSON when network data are YAML", () => {
    const yaml =
      "links:\n- &l {id: eth0, type: phy, mtu: 1500}\n- <<: *l\n  id: 00:11:22:33:44:55\n";
    const drive = buildConfigDrive({ ...host, networkData: text(yaml) });
    expect(drive.ok).toBe(true);
    if (!drive.ok) return;
    const link = { id: "eth0", type: "phy", mtu: 1500 };
    const json = { links: [link, { ...link, id: "00:11:22:33:44:55" }] };
    expect(contains(drive.value, JSON.stringify(json, undefined, 2))).toBe(true);
  });

  test("takes an empty Secret as none", () => {
    const drive = buildConfigDrive({
      ...host,
      networkData: text(""),
      metaData: text("# nothing\n"),
    });
    expect(drive).toEqual(buildConfigDrive(host));
  });

  test("tells field, line and column and never the text when a Secret is not a map", () => {
    const lines = "a: 1\nb: [hunter2\nc: }";
    const drive = buildConfigDrive({ ...host, metaData: text(lines) });
    expect(!drive.ok && drive.error.message).toMatch(/spec\.metaData .*line 3, column/);
    expect(!drive.ok && drive.error.message).not.toContain("hunter2");
    for (const value of ["- hunter2", "hunter2", "\u{feff}[1]"]) {
      const other = buildConfigDrive({ ...host, networkData: text(value) });
      expect(!other.ok && other.error.message).toMatch(/spec\.networkData .*not a map/);
      expect(!other.ok && other.error.message).not.toContain("hunter2");
    }
  });

  test("refuses a text that grows without bound when aliases multiply", () => {
    const rows = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (const [before, name] of ["ab", "bc", "cd", "de", "ef"].map((pair) => pair.split(""))) {
      rows.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(", ")}]`);
    }
    const drive = buildConfigDrive({ ...host, networkData: text(rows.join("\n")) });
    expect(!drive.ok && drive.error.message).toContain("aliases");
    const notText = buildConfigDrive({ ...host, networkData: Uint8Array.of(0xff, 0xfe) });
    expect(notText.ok).toBe(false);
  });
});
