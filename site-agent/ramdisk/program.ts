// The ramdisk program: reads who it is, keeps a connection to its agent, runs the steps that it is asked for,
// and leaves when it is told to. Takes the whole world from its ports.
import type { FromRamdisk, RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import { ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { Log, LogFields } from "../ports.ts";
import { makeAgentLink } from "./agent-link.ts";
import { readBootParameters } from "./boot-parameters.ts";
import { eraseStep } from "./erase/erase-step.ts";
import { readHardware } from "./inventory/read-hardware.ts";
import { readIdentity } from "./inventory/read-identity.ts";
import { readText } from "./inventory/read-text.ts";
import { leave } from "./leave.ts";
import type { RamdiskPorts } from "./ports.ts";
import { StepRunner } from "./step-runner.ts";
import type { StepContext, StepResult } from "./step.ts";
import { writeStep } from "./write/write-step.ts";

/** Returns when the machine has been told to leave, or when it cannot begin; `signal` ends it for tests. */
export async function runRamdisk(
  ports: RamdiskPorts,
  signal?: AbortSignal,
): Promise<Result<void, "parameter">> {
  const boot = readBootParameters((await readText(ports.system, "/proc/cmdline")) ?? "");
  if (!boot.ok) return boot;
  const identity = await readIdentity(ports.system, boot.value.bootMac);
  ports.log.info("ramdisk started", {
    agent: boot.value.agentUrl,
    bootMac: boot.value.bootMac,
    systemUuid: identity.systemUuid,
  });
  let leaving: Promise<void> | undefined;
  const end = new AbortController();
  const send = (message: FromRamdisk): boolean => link.send(message);
  const told = { ...ports, log: tellingLog(ports.log, send) };
  const runner = new StepRunner({
    ports: told,
    boot: boot.value,
    send,
    perform,
    onEnd({ step }, result) {
      if (step.kind !== "leave" || !result.ok) return;
      leaving = leave(step.how, told).finally(() => end.abort());
    },
  });
  const link = makeAgentLink({
    ports: { ...told, log: ports.log },
    boot: boot.value,
    identity,
    onMessage: (message) => runner.handle(message),
    mayRedial: () => leaving === undefined,
  });
  await link.run(signal === undefined ? end.signal : AbortSignal.any([end.signal, signal]));
  await leaving;
  return ok(undefined);
}

async function perform(step: RamdiskStep, context: StepContext): Promise<StepResult> {
  switch (step.kind) {
    case "inspect":
      return inspect(context);
    case "erase":
      return eraseStep(step.disks, context);
    case "write":
      return writeStep(step, context);
    case "leave":
      return { ok: true, value: { kind: "leave" } };
  }
}

async function inspect(context: StepContext): Promise<StepResult> {
  const { ports, boot } = context;
  context.onProgress({ step: "Inspecting" });
  const hardware = await readHardware(ports.system, ports.addresses(), boot.bootMac);
  const identity = await readIdentity(ports.system, boot.bootMac);
  return { ok: true, value: { kind: "inspect", hardware, identity } };
}

/** Writes to the console, and to the agent when it listens. */
function tellingLog(console: Log, send: (message: FromRamdisk) => boolean): Log {
  const tell =
    (level: "info" | "warn" | "error") =>
    (message: string, fields: LogFields = {}): void => {
      console[level](message, fields);
      send({ type: "log", level, text: `${message} ${JSON.stringify(fields)}`.slice(0, 4096) });
    };
  return { info: tell("info"), warn: tell("warn"), error: tell("error") };
}
