// The end of the ramdisk: the machine restarts or goes off at once, without anybody's consent. Nothing is
// mounted; what was written to disks was flushed when its step ended.
import type { RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import type { RamdiskPorts } from "./ports.ts";

/** For the answer to reach the agent. */
const answerMs = 1_000;
const programMs = 10_000;

/** On a real machine this does not return. */
export async function leave(
  how: Extract<RamdiskStep, { kind: "leave" }>["how"],
  { clock, programs, system, log }: Pick<RamdiskPorts, "clock" | "programs" | "system" | "log">,
): Promise<void> {
  await clock.sleep(answerMs);
  log.info("leaving", { how });
  await programs.run(["sync"], { timeoutMs: programMs });
  const program = how === "reboot" ? "reboot" : "poweroff";
  // -f: not by way of the init script, which would only wait.
  await programs.run([program, "-f"], { timeoutMs: programMs });
  // Still here: the kernel's own way (Documentation/admin-guide/sysrq.rst).
  await system.write("/proc/sysrq-trigger", how === "reboot" ? "b" : "o");
}
