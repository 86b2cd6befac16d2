import { describe, expect, it } from "vitest";
import { parseBmcAddress } from "./bmc-address.ts";
import { bmcSchemes } from "./bmc-schemes.table.ts";

function parse(text: string) {
  const parsed = parseBmcAddress(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

function messageOf(text: string): string {
  const parsed = parseBmcAddress(text);
  return parsed.ok ? "" : parsed.error.message;
}

describe("parseBmcAddress", () => {
  it.each([
    ["192.168.122.1", "ipmi", "192.168.122.1:623"],
    ["192.168.122.1:6230", "ipmi", "192.168.122.1:6230"],
    ["bmc-7.example.com", "ipmi", "bmc-7.example.com:623"],
    ["BMC-7.Example.com.:6230", "ipmi", "bmc-7.example.com:6230"],
    ["ipmi:192.168.122.1", "ipmi", "192.168.122.1:623"],
    ["ipmi:192.168.122.1:6230", "ipmi", "192.168.122.1:6230"],
    ["ipmi://192.168.122.1", "ipmi", "192.168.122.1:623"],
    ["ipmi://192.168.122.1:6230/", "ipmi", "192.168.122.1:6230"],
    ["IPMI://192.168.122.1", "ipmi", "192.168.122.1:623"],
    ["libvirt://192.168.122.1:6233/", "libvirt", "192.168.122.1:6233"],
    ["[fe80::fc33:62ff:fe83:8a76]", "ipmi", "[fe80::fc33:62ff:fe83:8a76]:623"],
    ["[FE80:0:0::1]:6230", "ipmi", "[fe80::1]:6230"],
    ["fe80::1", "ipmi", "[fe80::1]:623"],
    ["ipmi://[2001:db8::1]:6230", "ipmi", "[2001:db8::1]:6230"],
    ["redfish://192.168.122.1/redfish/v1/Systems/1", "redfish", "192.168.122.1:443"],
    ["redfish+http://192.168.122.1:8000/redfish/v1/Systems/1", "redfish", "192.168.122.1:8000"],
    ["redfish+http://192.168.122.1/redfish/v1/Systems/1", "redfish", "192.168.122.1:80"],
    ["redfish-virtualmedia+https://host/x", "redfish-virtualmedia", "host:443"],
    ["redfish:192.168.122.1/redfish/v1/Systems/1", "redfish", "192.168.122.1:443"],
  ])("reads %s when it is written so", (text, scheme, endpoint) => {
    const address = parse(text);
    expect(address.scheme.name).toBe(scheme);
    expect(address.endpoint).toBe(endpoint);
  });

  it("knows every scheme of the table", () => {
    expect(bmcSchemes.map(({ name }) => parse(`${name}://192.0.2.1`).scheme.name)).toEqual([
      "ipmi",
      "libvirt",
      "redfish",
      "ilo5-redfish",
      "redfish-virtualmedia",
      "ilo5-virtualmedia",
      "redfish-uefihttp",
      "idrac-redfish",
      "idrac-virtualmedia",
    ]);
  });

  it("claims the system of a Redfish service, and the whole BMC with IPMI", () => {
    const claim = (text: string): string => parse(text).claim;
    expect(claim("redfish://host/redfish/v1/Systems/1/")).toBe("host:443/redfish/v1/Systems/1");
    expect(claim("redfish-virtualmedia://HOST:443/redfish/v1/Systems/1")).toBe(
      "host:443/redfish/v1/Systems/1",
    );
    expect(claim("redfish+http://host:443")).toBe("host:443/");
    expect(claim("redfish://host/redfish/v1/")).toBe("host:443/");
    expect(claim("ipmi://host/ignored")).toBe("host:623/");
  });

  it("says which transport", () => {
    expect(parse("ipmi://host").transport).toBe("udp");
    expect(parse("redfish://host").transport).toBe("https");
    expect(parse("idrac-redfish+http://host").transport).toBe("http");
  });

  it("reads the privilege level of IPMI", () => {
    expect(parse("ipmi://host").privilege).toBe("administrator");
    expect(parse("ipmi://host?privilegelevel=OPERATOR").privilege).toBe("operator");
    expect(messageOf("ipmi://host?privilegelevel=USER")).toContain('"user"');
  });

  it.each(["ilo4://host", "irmc://host", "http://host", "ipmi+http://host", "libvirt+https://h"])(
    "names the schemes that it knows when it gets %s",
    (text) => {
      expect(messageOf(text)).toContain(`unknown scheme "${text.split(":")[0]}"`);
      expect(messageOf(text)).toContain("ipmi, libvirt, redfish, ilo5-redfish");
    },
  );

  it.each([
    "",
    "ipmi://",
    "ipmi:///path",
    "a host",
    "-bmc",
    "256.1.1.1",
    "[fe80::1",
    "[::g]",
    "a..b",
  ])("asks for an address or a name when the host is %j", (text) => {
    expect(messageOf(text)).toContain("has no valid host");
  });

  it.each(["host:0", "host:65536", "ipmi://host:x", "ipmi://[::1]:99999", "ipmi://host:-1"])(
    "asks for a port number when it gets %s",
    (text) => {
      expect(messageOf(text)).toContain("write a number from 1 to 65535");
    },
  );

  it("never repeats a password when the address holds one", () => {
    const message = messageOf("redfish://root:calvin@192.0.2.1/redfish/v1");
    expect(message).toContain("put the credentials in the Secret");
    expect(message).not.toMatch(/calvin|root/);
    expect(messageOf("nonsense://root:calvin@192.0.2.1")).not.toMatch(/calvin|root/);
  });
});
