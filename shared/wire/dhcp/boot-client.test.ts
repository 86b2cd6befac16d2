import { describe, expect, it } from "vitest";
import { recognizeBootClient } from "./boot-client.ts";
import { capturedRequest } from "./captures.table.ts";
import { decodeDhcp } from "./dhcp-packet.ts";
import type { DhcpOptions } from "./dhcp-packet.ts";
import { readMessageType, readText, readUserClasses, textValue } from "./dhcp-values.ts";

function optionsOf(name: Parameters<typeof capturedRequest>[0]): DhcpOptions {
  const packet = decodeDhcp(capturedRequest(name));
  if (!packet.ok) throw new Error(packet.error.message);
  return packet.value.options;
}

const lengthPrefixed = (...texts: string[]): Uint8Array =>
  Uint8Array.from(texts.flatMap((text) => [text.length, ...textValue(text)]));

describe("recognizeBootClient", () => {
  it.each([
    ["biosIpxeDiscover", "ipxe", "x86 BIOS"],
    ["uefiDiscover", "pxe", "x64 UEFI"],
    ["uefiIpxeDiscover", "ipxe", "x64 UEFI"],
    ["uefiHttpDiscover", "http", "x64 UEFI HTTP"],
    ["udhcpcDiscover", "plain", undefined],
  ] as const)("knows who sent %s", (name, kind, arch) => {
    const client = recognizeBootClient(optionsOf(name));
    expect([client.kind, client.arch?.name]).toEqual([kind, arch]);
  });

  it("takes 7 and 9 for the same machine and the first known of a list", () => {
    const arch = (...codes: number[]): string | undefined =>
      recognizeBootClient(
        new Map([
          [60, textValue("PXEClient")],
          [93, Uint8Array.from(codes.flatMap((code) => [code >> 8, code & 255]))],
        ]),
      ).arch?.name;
    expect(arch(9)).toBe(arch(7));
    expect(arch(999, 11)).toBe("arm64 UEFI");
    expect(arch(999)).toBeUndefined();
    expect(arch()).toBeUndefined();
  });

  it("reads the architecture from the vendor class when option 93 is missing", () => {
    const options = new Map([[60, textValue("PXEClient:Arch:00000:UNDI:002001")]]);
    expect(recognizeBootClient(options)).toMatchObject({ kind: "pxe", arch: { firmware: "bios" } });
  });

  it("knows iPXE by a user class with a length before it and by its own option alone", () => {
    const pxe = [60, textValue("PXEClient")] as const;
    const withClass = new Map([pxe, [77, lengthPrefixed("other", "iPXE")]]);
    expect(recognizeBootClient(withClass).kind).toBe("ipxe");
    expect(recognizeBootClient(new Map([pxe, [175, new Uint8Array()]])).kind).toBe("ipxe");
    expect(recognizeBootClient(new Map([pxe, [77, textValue("gPXE")]])).kind).toBe("pxe");
  });
});

describe("values of options", () => {
  it("reads user classes with lengths, as a bare text, and not at all", () => {
    expect(readUserClasses(new Map([[77, lengthPrefixed("a", "bcd")]]))).toEqual(["a", "bcd"]);
    expect(readUserClasses(new Map([[77, textValue("iPXE")]]))).toEqual(["iPXE"]);
    expect(readUserClasses(new Map([[77, Uint8Array.of(0)]]))).toEqual(["\0"]);
    expect(readUserClasses(new Map())).toEqual([]);
  });

  it("reads a text without the NULs at its end and an unknown message type as absent", () => {
    expect(readText(new Map([[67, textValue("a.efi\0\0")]]), 67)).toBe("a.efi");
    expect(readMessageType(new Map([[53, Uint8Array.of(3)]]))).toBe("request");
    expect(readMessageType(new Map([[53, Uint8Array.of(99)]]))).toBeUndefined();
    expect(readMessageType(new Map([[53, Uint8Array.of(1, 1)]]))).toBeUndefined();
  });
});
