// What a site says about its provisioning network and the files that it boots, and the checks on it
// that need nothing but the values themselves.

import { basename } from "node:path";
import { formatIpv4, maskOfPrefix, parseIpv4, sameNetwork } from "../../shared/ipv4.ts";
import { quote } from "../../shared/result.ts";
import { checkKernelParameters } from "./http/ipxe-script.ts";
import type { KernelParameter } from "./http/ipxe-script.ts";

export interface NetbootConfig {
  /** Address of the NIC on the provisioning network; what hosts are told to fetch from. */
  readonly address: string;
  /** Prefix length of that network, 8–30. */
  readonly prefixLength: number;
  /** The pool of addresses to hand out, both ends included. */
  readonly rangeFrom: string;
  readonly rangeTo: string;
  /** Where `handleHttp` is served in plain HTTP. */
  readonly httpPort: number;
  /** Name of the NIC, where the Udp port can bind to one. */
  readonly interface?: string;
  /** Absolute paths of iPXE for BIOS (undionly.kpxe) and x64 UEFI (snponly.efi). */
  readonly bootFiles: { readonly bios: string; readonly uefi: string };
  readonly kernelPath: string;
  readonly initrdPaths: readonly string[];
  /** For every host, before those of its entry. The same grammar. */
  readonly kernelParameters?: readonly KernelParameter[];
}

export function networkMask(config: NetbootConfig): string {
  return formatIpv4(maskOfPrefix(config.prefixLength));
}

/** The name under which a boot file is announced by DHCP and served by TFTP. */
export function bootFileName(config: NetbootConfig, firmware: "bios" | "uefi"): string {
  return basename(config.bootFiles[firmware]);
}

/** Every file that a boot needs, for a check at start. */
export function bootPaths(config: NetbootConfig): readonly string[] {
  const { bios, uefi } = config.bootFiles;
  return [bios, uefi, config.kernelPath, ...config.initrdPaths];
}

/** All problems at once, each a sentence; empty when there is none. */
export function configProblems(config: NetbootConfig): readonly string[] {
  const address = parseIpv4(config.address);
  const from = parseIpv4(config.rangeFrom);
  const to = parseIpv4(config.rangeTo);
  const names = [bootFileName(config, "bios"), bootFileName(config, "uefi")];
  const problems: string[] = [];
  const check = (good: boolean, problem: string): void => {
    if (!good) problems.push(problem);
  };
  check(
    Number.isInteger(config.prefixLength) && config.prefixLength >= 8 && config.prefixLength <= 30,
    `prefixLength ${quote(config.prefixLength)} is not a number from 8 to 30`,
  );
  check(address !== undefined, `address ${quote(config.address)} is not an IPv4 address`);
  check(from !== undefined, `rangeFrom ${quote(config.rangeFrom)} is not an IPv4 address`);
  check(to !== undefined, `rangeTo ${quote(config.rangeTo)} is not an IPv4 address`);
  check(names[0] !== names[1], `the two boot files have one name, ${quote(names[0])}; rename one`);
  const parameters = checkKernelParameters(config.kernelParameters ?? []);
  check(parameters.ok, parameters.ok ? "" : parameters.error.message);
  if (address === undefined || from === undefined || to === undefined) return problems;
  check(from <= to, `rangeFrom ${config.rangeFrom} is above rangeTo ${config.rangeTo}`);
  for (const [name, end] of [
    ["rangeFrom", from],
    ["rangeTo", to],
  ] as const) {
    check(
      sameNetwork(end, address, config.prefixLength),
      `${name} ${formatIpv4(end)} is not in the network of ${config.address}/${config.prefixLength}`,
    );
  }
  return problems;
}
