// What the kernel command line tells this boot: where the agent is, how to know it, and who we are to it.
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { BootParameters } from "./step.ts";

const forms = {
  "farrier.agent": /^https:\/\/[^\s/]+$/,
  "farrier.fingerprint": /^[0-9a-f]{64}$/i,
  "farrier.token": /^\S{16,256}$/,
  "farrier.mac": /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i,
} as const;
type Name = keyof typeof forms;

/** `commandLine` as in /proc/cmdline. The error names the parameter and not its value: one is secret. */
export function readBootParameters(commandLine: string): Result<BootParameters, "parameter"> {
  const values = new Map(
    commandLine
      .trim()
      .split(/\s+/)
      .map((word) => [word.split("=", 1)[0] ?? "", word.slice(word.indexOf("=") + 1)]),
  );
  const names = Object.keys(forms) as Name[];
  const wrong = names.filter((name) => !forms[name].test(values.get(name) ?? ""));
  if (wrong.length > 0) {
    return err(
      "parameter",
      `Kernel parameters missing or malformed: ${wrong.join(", ")}; the site's boot network has to set them`,
    );
  }
  const value = (name: Name): string => values.get(name) ?? "";
  return ok({
    agentUrl: value("farrier.agent"),
    fingerprint: value("farrier.fingerprint").toLowerCase(),
    bootToken: value("farrier.token"),
    bootMac: value("farrier.mac").toLowerCase(),
  });
}
