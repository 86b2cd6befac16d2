import { describe, expect, test } from "vitest";
import { checkAddress, mayConnect } from "./address-policy.ts";

function kindOf(url: string, allowed: readonly string[] = []): string {
  const checked = checkAddress(url, allowed);
  return checked.ok ? "allowed" : checked.error.kind;
}

describe("checkAddress", () => {
  test("allows public and private hosts", () => {
    for (const url of [
      "http://images.example/x.qcow2",
      "https://192.168.7.1:8443/x.raw",
      "http://10.0.0.5/x",
      "http://[fd00:7::1]/x",
      "http://100.64.0.1/x",
      "http://localhost.example/x",
    ]) {
      expect(kindOf(url), url).toBe("allowed");
    }
  });

  test("refuses this machine, link-local and metadata addresses in every spelling", () => {
    const hosts = [
      "127.0.0.1 127.8.8.8 0x7f.1 2130706433 0 localhost LOCALHOST. x.localhost",
      "169.254.169.254 224.0.0.1 255.255.255.255 100.100.100.200",
      "[::1] [::] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:a9fe:a9fe] [64:ff9b::a9fe:a9fe]",
      "[fe80::1] [febf::1] [ff02::1] [fd00:ec2::254] metadata.google.internal metadata",
    ];
    for (const host of hosts.join(" ").split(" ")) {
      expect(kindOf(`http://${host}/x`), host).toBe("address");
    }
  });

  test("allows what the operator lists, and that only", () => {
    expect(kindOf("http://127.0.0.1:8080/x", ["127.0.0.1"])).toBe("allowed");
    expect(kindOf("http://127.0.0.2:8080/x", ["127.0.0.1"])).toBe("address");
    expect(kindOf("file://127.0.0.1/x", ["127.0.0.1"])).toBe("address");
  });

  test("refuses other schemes and no URLs, and never quotes their secrets", () => {
    for (const url of ["file:///etc/passwd", "ftp://h/x", "oci://r/n", "", "x.qcow2"]) {
      expect(kindOf(url), url).toBe("address");
    }
    const refused = checkAddress("ftp://user:hunter2@h/x?token=hunter2", []);
    expect(!refused.ok && refused.error.message).not.toContain("hunter2");
    const noUrl = checkAddress("http://user:hunter2@:x/y?token=hunter2", []);
    expect(!noUrl.ok && noUrl.error.message).not.toContain("hunter2");
  });
});

describe("mayConnect", () => {
  test("refuses a name that leads to this machine, unless the operator lists name or address", () => {
    const url = new URL("http://images.example/x");
    for (const address of [
      "127.0.0.1",
      "::1",
      "::ffff:127.0.0.1",
      "fe80::1%eth0",
      "169.254.169.254",
    ]) {
      expect(mayConnect(url, [])(address), address).toBe(false);
      expect(mayConnect(url, ["images.example"])(address), address).toBe(true);
      expect(mayConnect(url, [address])(address), address).toBe(true);
    }
    for (const address of ["192.168.7.1", "10.1.2.3", "fd00::1", "::ffff:10.1.2.3"]) {
      expect(mayConnect(url, [])(address), address).toBe(true);
    }
    expect(mayConnect(url, [])("")).toBe(false);
  });
});
