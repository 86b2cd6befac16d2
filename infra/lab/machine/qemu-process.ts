// One run of QEMU, from the power button to its end. QMP goes over its stdin and stdout, so that no
// event is lost between start and connection. It knows nothing of boot devices or BMCs.

import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";

/** Why QEMU ended; "killed" when `kill` did it. */
export type QemuEnd = "killed" | "guest-shutdown" | "guest-reset" | "failed";

export interface QemuProcess {
  readonly ended: Promise<QemuEnd>;
  /** Presses the ACPI power button; the guest may ignore it. */
  pressPowerButton(): void;
  /** Pulls the plug. Await `ended` for the moment when it is off. */
  kill(): void;
}

/** @param logFile gets QEMU's own messages, appended */
export function startQemu(args: readonly string[], logFile: string): QemuProcess {
  const log = openSync(logFile, "a");
  // pdeathsig: a machine must not outlive what could switch it off.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "qemu-system-x86_64", ...args], {
    stdio: ["pipe", "pipe", log],
  });
  closeSync(log);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("spawn gave no pipes");
  const send = (command: string): void => {
    stdin.write(`${JSON.stringify({ execute: command })}\n`);
  };
  stdin.on("error", () => {});
  send("qmp_capabilities");

  let end: QemuEnd = "failed";
  let killed = false;
  createInterface({ input: stdout }).on("line", (line) => {
    end = endIn(line) ?? end;
  });
  const ended = new Promise<QemuEnd>((resolve) => {
    child.once("error", () => resolve("failed"));
    child.once("close", () => resolve(killed ? "killed" : end));
  });
  return {
    ended,
    pressPowerButton: () => send("system_powerdown"),
    kill: () => {
      killed = true;
      child.kill("SIGKILL");
    },
  };
}

// QMP reference, event SHUTDOWN: `reason` is a ShutdownCause.
function endIn(line: string): QemuEnd | undefined {
  const message = JSON.parse(line) as { event?: string; data?: { reason?: string } };
  if (message.event !== "SHUTDOWN") return undefined;
  const reason = message.data?.reason;
  if (reason === "guest-reset" || reason === "guest-panic") return "guest-reset";
  return reason === "guest-shutdown" ? "guest-shutdown" : "failed";
}
