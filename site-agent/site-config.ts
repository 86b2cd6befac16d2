// What the parts of a site are told of the site's configuration, and what can be wrong with it as a whole. Does not
// look at the machine: files and ports are tried at start.
import type { SiteConfig } from "./config.ts";
import type { ImagingConfig } from "./imaging/imaging-tools.ts";
import { configProblems, type NetbootConfig } from "./netboot/netboot-config.ts";

export function netbootConfig(config: SiteConfig): NetbootConfig {
  return {
    address: config.address,
    prefixLength: config.prefixLength,
    rangeFrom: config.rangeFrom,
    rangeTo: config.rangeTo,
    httpPort: config.bootPort,
    ...(config.interface === undefined ? {} : { interface: config.interface }),
    bootFiles: { bios: config.bootLoaderBios, uefi: config.bootLoaderUefi },
    kernelPath: config.kernel,
    initrdPaths: config.initrds,
    kernelParameters: config.kernelParameters.map((text) => {
      const at = text.indexOf("=");
      return { name: text.slice(0, at), value: text.slice(at + 1) };
    }),
  };
}

export function imagingConfig(config: SiteConfig, stateDirectory: string): ImagingConfig {
  return { cacheDirectory: `${stateDirectory}/images`, cacheBytes: config.imageCacheBytes };
}

/** All at once, each a sentence; empty when there is none. */
export function siteProblems(config: SiteConfig): readonly string[] {
  const problems = [...configProblems(netbootConfig(config))];
  if (config.bootPort === config.ramdiskPort) {
    problems.push(`bootPort and ramdiskPort are both ${config.bootPort}; change one`);
  }
  return problems;
}
