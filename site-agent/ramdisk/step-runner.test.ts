import { expect, test, vi } from "vitest";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { FromRamdisk, ToRamdisk } from "../../shared/protocol/ramdisk.ts";
import { makeFakeMachine } from "../../test/support/fake-machine.ts";
import { makeMemoryAgent } from "../../test/support/memory-agent.ts";
import { StepRunner } from "./step-runner.ts";
import type { RunnerOptions } from "./step-runner.ts";
import type { StepContext, StepResult } from "./step.ts";

const identity = { macs: [] };
const inspected = (count: number): StepResult => ({
  ok: true,
  value: { kind: "inspect", hardware: { cpu: { count } }, identity },
});

function run(operationId: string): Extract<ToRamdisk, { type: "run" }> {
  return { type: "run", operationId, operationToken: "t", step: { kind: "inspect" } };
}

function start(perform: RunnerOptions["perform"]) {
  const clock = makeVirtualClock();
  const agent = makeMemoryAgent({ handle: async () => ({ status: 404 }), upgrade: () => {} });
  const machine = makeFakeMachine({ clock, macs: [], disks: [] });
  const sent: FromRamdisk[] = [];
  const runner = new StepRunner({
    ports: machine.ports("", agent),
    boot: { agentUrl: "", fingerprint: "", bootToken: "", bootMac: "" },
    send: (message) => sent.push(message),
    perform,
    onEnd: () => {},
  });
  return { clock, sent, runner };
}

test("a step fails with its reason when its code breaks", async () => {
  const { clock, sent, runner } = start(() => Promise.reject(new Error("a bug")));
  runner.handle(run("1"));
  await clock.advance(0);
  expect(sent).toMatchObject([
    { type: "failed", operationId: "1", failure: { kind: "unsupported", destroyed: false } },
  ]);
});

test("a step fails when its result does not fit the protocol", async () => {
  const { clock, sent, runner } = start(async () => inspected(1.5));
  runner.handle(run("1"));
  await clock.advance(0);
  expect(sent).toEqual([
    {
      type: "failed",
      operationId: "1",
      failure: {
        kind: "unsupported",
        message:
          'The result of the step does not fit the protocol: field "outcome.hardware.cpu.count"',
        destroyed: false,
      },
    },
  ]);
});

test("a step runs once, and its result is told again, however often the agent asks", async () => {
  const perform = vi.fn(async () => inspected(1));
  const { clock, sent, runner } = start(perform);
  for (let times = 0; times < 3; times += 1) {
    runner.handle(run("1"));
    await clock.advance(0);
  }
  expect(perform).toHaveBeenCalledTimes(1);
  expect(sent.map(({ type }) => type)).toEqual(["done", "done", "done"]);
});

test("a new operation cancels the running one and begins when that has ended", async () => {
  const order: string[] = [];
  const { clock, sent, runner } = start(async (_step, { signal, operationToken }: StepContext) => {
    order.push(`begin ${operationToken}`);
    if (operationToken === "first") await clock.sleep(60_000, signal);
    order.push(`end ${operationToken}`);
    return inspected(1);
  });
  runner.handle({ ...run("1"), operationToken: "first" });
  runner.handle({ ...run("2"), operationToken: "second" });
  await clock.advance(0);
  expect(order).toEqual(["begin first", "end first", "begin second", "end second"]);
  expect(sent.map((message) => "operationId" in message && message.operationId)).toEqual([
    "1",
    "2",
  ]);
});

test("an operation that is cancelled while it waits for its turn never begins", async () => {
  const perform = vi.fn(async (_step: unknown, { signal }: StepContext) => {
    await clock.sleep(60_000, signal);
    await clock.sleep(1_000);
    return inspected(1);
  });
  const { clock, runner } = start(perform);
  runner.handle(run("1"));
  runner.handle(run("2"));
  runner.handle({ type: "cancel", operationId: "2" });
  await clock.advance(5_000);
  expect(perform).toHaveBeenCalledTimes(1);
});

test("a go that nobody asked for answers nothing", async () => {
  const { clock, sent, runner } = start(async (_step, context) => {
    await clock.sleep(1_000);
    const may = await context.mayDestroy([]);
    return may.ok
      ? inspected(1)
      : { ok: false, error: { kind: "refused", message: "", destroyed: false } };
  });
  runner.handle(run("1"));
  await clock.advance(0);
  runner.handle({ type: "go", operationId: "1" });
  await clock.advance(60_000);
  expect(sent.map(({ type }) => type)).toEqual(["may-destroy"]);
  runner.handle({ type: "go", operationId: "other" });
  await clock.advance(60_000);
  expect(sent.length).toBe(1);
  runner.handle({ type: "go", operationId: "1" });
  await clock.advance(0);
  expect(sent.at(-1)).toMatchObject({ type: "done" });
});

test("progress comes at most twice a second, and at once when it is of a new kind", async () => {
  const { clock, sent, runner } = start(async (_step, context) => {
    for (let tenth = 0; tenth < 20; tenth += 1) {
      context.onProgress({ step: tenth < 15 ? "Writing" : "Finishing", doneBytes: tenth });
      await clock.sleep(100);
    }
    return inspected(1);
  });
  runner.handle(run("1"));
  await clock.advance(5_000);
  const steps = sent.flatMap((each) => (each.type === "progress" ? [each.progress] : []));
  expect(steps).toEqual([
    { step: "Writing", doneBytes: 0 },
    { step: "Writing", doneBytes: 5 },
    { step: "Writing", doneBytes: 10 },
    { step: "Finishing", doneBytes: 15 },
  ]);
});
