// The iPXE script of one host, from a closed grammar: every line is ours, and a kernel parameter
// is a name and a value in which nothing has a meaning for iPXE or a shell.

import { err, ok, quote } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";

export interface KernelParameter {
  readonly name: string;
  readonly value: string;
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/;
const valuePattern = /^[A-Za-z0-9._:/@,-]+$/;

// Linux on x86 takes 2048 bytes with the final NUL; the rest is for our own initrd= parameters.
const maxParametersBytes = 1800;

/** Fails with the first parameter that is not of the grammar, or when they are too long together. */
export function checkKernelParameters(
  parameters: readonly KernelParameter[],
): Result<void, "kernel-parameters"> {
  for (const { name, value } of parameters) {
    if (!namePattern.test(name)) {
      return err("kernel-parameters", `kernel parameter ${quote(name)} has a name that is refused`);
    }
    // The value may be a token and is not quoted.
    if (!valuePattern.test(value)) {
      const allowed = 'letters, digits and "._:/@,-"';
      return err("kernel-parameters", `the value of kernel parameter ${name} may hold ${allowed}`);
    }
  }
  if (joined(parameters).length > maxParametersBytes) {
    return err(
      "kernel-parameters",
      `kernel parameters are longer than ${maxParametersBytes} bytes; shorten them`,
    );
  }
  return ok(undefined);
}

export interface IpxeScript {
  readonly kernelUrl: string;
  readonly initrdUrls: readonly string[];
  readonly kernelParameters: readonly KernelParameter[];
}

const maxTries = 20;
const secondsBetweenTries = 5;

/**
 * Loads kernel and initrds and starts them. A failed transfer is tried again, with all others, for
 * about two minutes; then the machine goes on to its next boot device. Throws on parameters that
 * `checkKernelParameters` refuses.
 */
export function renderIpxeScript(script: IpxeScript): string {
  const checked = checkKernelParameters(script.kernelParameters);
  if (!checked.ok) throw new Error(checked.error.message);
  // As the kernel's EFI stub wants it: the names of the images that hold initrds.
  const initrds = script.initrdUrls.map((_url, index) => `initrd=initrd-${index}`);
  const parameters = [...initrds, joined(script.kernelParameters)].filter((text) => text !== "");
  return [
    "#!ipxe",
    "set try:int32 0",
    ":start",
    "imgfree",
    `kernel --name kernel ${[script.kernelUrl, ...parameters].join(" ")} || goto failed`,
    ...script.initrdUrls.map((url, i) => `initrd --name initrd-${i} ${url} || goto failed`),
    "boot || goto failed",
    ":failed",
    "inc try",
    `iseq \${try} ${maxTries} && goto give_up ||`,
    `echo Farrier: cannot load the ramdisk, try \${try} of ${maxTries} failed`,
    `sleep ${secondsBetweenTries}`,
    "goto start",
    ":give_up",
    "echo Farrier: gave up, leaving network boot",
    "exit 1",
    "",
  ].join("\n");
}

function joined(parameters: readonly KernelParameter[]): string {
  return parameters.map(({ name, value }) => `${name}=${value}`).join(" ");
}
