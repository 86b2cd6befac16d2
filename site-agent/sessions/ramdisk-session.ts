// The agent's end of one ramdisk: its connection of the moment, the step that runs on it, its heartbeat.
// A connection may break and come back; the step goes on meanwhile and its result waits in the ramdisk.
// Who may connect is decided in ramdisk-sessions.ts.
import type { FromRamdisk, MachineIdentity, RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import type { ToRamdisk } from "../../shared/protocol/ramdisk.ts";
import type { Clock, Log, Timer } from "../ports.ts";
import type { Inbox } from "./inbox.ts";
import type { RamdiskSession, RunOptions, StepResult } from "./port.ts";
import { readMessage } from "./read-message.ts";
import { startStep } from "./running-step.ts";
import type { Question, RunningStep } from "./running-step.ts";

const pingMs = 10_000;
/** Silence after which a connection is closed and a running step counts as lost. */
const lostMs = 45_000;
/** How long a connection that may be dead has to prove that it lives. */
const probeMs = 5_000;
const maxLogCharacters = 5 * 1024 * 1024;

export interface SessionOptions {
  readonly hostUid: string;
  readonly identity: MachineIdentity;
  readonly clock: Clock;
  readonly log: Log;
  /** The ramdisk has left as it was told: it will not come back. */
  readonly onLeft: () => void;
}

export class AttachableSession implements RamdiskSession {
  readonly hostUid: string;
  readonly identity: MachineIdentity;
  readonly connectedAtMs: number;
  readonly #options: SessionOptions;
  #current: Inbox | undefined;
  #running: RunningStep | undefined;
  /** The operation of a step that was given up as lost; should the ramdisk come back, it stops that work. */
  #abandoned: string | undefined;
  #ended: string | undefined;
  #heardAtMs: number;
  #heartbeat: Timer;
  #loggedCharacters = 0;
  readonly #onHeard = new Set<() => void>();

  constructor(options: SessionOptions) {
    const { clock } = options;
    this.#options = options;
    this.hostUid = options.hostUid;
    this.identity = options.identity;
    this.connectedAtMs = clock.nowMs();
    this.#heardAtMs = clock.monotonicMs();
    this.#heartbeat = clock.timer(pingMs, () => this.#beat());
  }

  alive(): boolean {
    return this.#current !== undefined;
  }

  /** Runs the step, or joins it when the ramdisk runs it already: after a "lost" it can be asked for again. */
  run(step: RamdiskStep, options: RunOptions): Promise<StepResult> {
    if (this.#ended !== undefined) return refuse("lost", this.#ended);
    if (this.#running !== undefined) {
      return refuse(
        "unsupported",
        `A ${this.#running.step.kind} step runs on this ramdisk already`,
      );
    }
    const send = (message: ToRamdisk): void => this.#send(message);
    this.#running = startStep(step, options, { send, log: this.#options.log });
    this.#running.announce();
    return this.#running.result;
  }

  /** The ramdisk's (new) connection. */
  attach(inbox: Inbox): void {
    this.#drop(4001, "replaced by a new connection");
    this.#current = inbox;
    this.#heardAtMs = this.#options.clock.monotonicMs();
    this.#stopAbandoned();
    this.#running?.announce();
    inbox.read(
      (text) => this.#receive(inbox, text),
      (code, reason) => {
        if (this.#current !== inbox) return;
        this.#current = undefined;
        this.#options.log.info("ramdisk disconnected", { host: this.hostUid, code, reason });
      },
    );
  }

  /** Whether the connection of the moment answers. False without one. */
  answers(): Promise<boolean> {
    if (this.#current === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (lives: boolean): void => {
        timer.cancel();
        this.#onHeard.delete(heard);
        resolve(lives);
      };
      const heard = (): void => settle(true);
      const timer = this.#options.clock.timer(probeMs, () => settle(false));
      this.#onHeard.add(heard);
      this.#send({ type: "ping" });
    });
  }

  /** No more of this ramdisk: closes the connection and fails the running step as lost. */
  end(reason: string): void {
    this.#heartbeat.cancel();
    this.#ended = `The ramdisk's session ended: ${reason}`;
    this.#lose(this.#ended);
    this.#drop(4003, reason);
  }

  #send(message: ToRamdisk): void {
    if (this.#current?.duplex.send(JSON.stringify(message)) === false) this.#drop(1013, "too slow");
  }

  #drop(code: number, reason: string): void {
    const dropped = this.#current;
    this.#current = undefined;
    dropped?.duplex.close(code, reason);
  }

  #lose(message: string): void {
    const lost = this.#running;
    this.#running = undefined;
    this.#abandoned = lost?.operationId ?? this.#abandoned;
    lost?.lose(message);
  }

  #stopAbandoned(): void {
    const operationId = this.#abandoned;
    this.#abandoned = undefined;
    if (operationId === undefined || operationId === this.#running?.operationId) return;
    this.#send({ type: "cancel", operationId });
  }

  #beat(): void {
    this.#heartbeat = this.#options.clock.timer(pingMs, () => this.#beat());
    const silentMs = this.#options.clock.monotonicMs() - this.#heardAtMs;
    if (silentMs < lostMs) {
      this.#send({ type: "ping" });
      return;
    }
    this.#drop(1001, "no answer");
    const silent = `The ramdisk has been silent for ${Math.round(silentMs / 1000)} s`;
    this.#lose(`${silent}: look at the machine's console and its network link`);
  }

  #receive(inbox: Inbox, text: string): void {
    if (this.#current !== inbox) return;
    this.#heardAtMs = this.#options.clock.monotonicMs();
    for (const heard of this.#onHeard) heard();
    const message = readMessage(text);
    if (message.ok && message.value.type !== "hello") {
      this.#handle(inbox, message.value);
      return;
    }
    const reason = message.ok ? "hello comes once" : message.error.message;
    this.#options.log.warn("ramdisk sent a bad message", { host: this.hostUid, reason });
    this.#drop(1008, reason);
  }

  #handle(inbox: Inbox, message: Exclude<FromRamdisk, { type: "hello" }>): void {
    switch (message.type) {
      case "pong":
        return;
      case "log":
        this.#log(message.level, message.text);
        return;
      case "may-destroy":
        void this.#answer(inbox, message);
        return;
      case "progress":
      case "done":
      case "failed": {
        // Reports about another operation are old: the ramdisk repeats its last one at each connection.
        const running = this.#running;
        if (running?.operationId !== message.operationId || !running.report(message)) return;
        this.#running = undefined;
        if (message.type === "done" && message.outcome.kind === "leave") this.#options.onLeft();
      }
    }
  }

  #log(level: "info" | "warn" | "error", text: string): void {
    this.#loggedCharacters += text.length;
    if (this.#loggedCharacters > maxLogCharacters) return;
    this.#options.log[level]("ramdisk says", { host: this.hostUid, text });
  }

  async #answer(inbox: Inbox, question: Question): Promise<void> {
    const { operationId } = question;
    const running = this.#running?.operationId === operationId ? this.#running : undefined;
    if (running === undefined) {
      this.#send({ type: "refuse", operationId, reason: "this operation does not run here" });
      return;
    }
    const answer = await running.answer(question);
    // On a new connection the ramdisk asks anew, and the answer may be another one.
    if (this.#current !== inbox || this.#running !== running) return;
    if (answer.go) {
      running.passedPointOfNoReturn();
      this.#send({ type: "go", operationId });
    } else {
      this.#send({ type: "refuse", operationId, reason: answer.reason.slice(0, 2048) });
    }
  }
}

function refuse(kind: "lost" | "unsupported", message: string): Promise<StepResult> {
  return Promise.resolve({ ok: false, failure: { kind, message, destroyed: false } });
}
