// The wire between a ramdisk and its agent, listened to: what passes is told, nothing is changed. Of a ramdisk that
// has ended nothing passes any more, and nobody is told.
import { ok } from "../../../shared/result.ts";
import type { Duplex, DuplexClient } from "../../../site-agent/ports.ts";
import type { Life } from "../kernel/life.ts";
import { hostOfUserData } from "../kubernetes/canaries.ts";
import type { Happened } from "../world/events.ts";

type Message = Extract<Happened, { readonly kind: "ramdisk-message" }>;
export type Overheard = Pick<
  Message,
  "agent" | "direction" | "type" | "operationId" | "step" | "disks" | "userDataOf"
>;

/** Messages that say nothing about work. */
const quiet = new Set(["ping", "pong", "log"]);

export function watchDuplexes(
  life: Life,
  client: DuplexClient,
  tell: (message: Overheard) => void,
  agentOf: (duplex: Duplex) => string | undefined = () => undefined,
): DuplexClient {
  return {
    connect: (request) =>
      life.call("duplexes.connect", async () => {
        const connected = await client.connect(request);
        if (!connected.ok) return connected;
        const agent = agentOf(connected.value);
        const told = agent === undefined ? {} : { agent };
        return ok(watch(life, connected.value, (message) => tell({ ...message, ...told })));
      }),
  };
}

function watch(life: Life, duplex: Duplex, tell: (message: Overheard) => void): Duplex {
  const hear = (direction: Message["direction"], text: string): void => {
    const message = overhear(direction, text);
    if (message !== undefined) tell(message);
  };
  return {
    send(text) {
      const sent = life.alive && duplex.send(text);
      if (sent) hear("to agent", text);
      return sent;
    },
    close(code, reason) {
      if (life.alive) duplex.close(code, reason);
    },
    onMessage(handle) {
      duplex.onMessage((text) => {
        if (!life.alive) return;
        hear("to ramdisk", text);
        handle(text);
      });
    },
    onClose(handle) {
      duplex.onClose((code, reason) => {
        if (life.alive) handle(code, reason);
      });
    },
  };
}

interface Wire {
  readonly type?: string;
  readonly operationId?: string;
  readonly step?: {
    readonly kind?: string;
    readonly disks?: readonly Identity[];
    readonly configDrive?: string;
  };
  readonly outcome?: {
    readonly kind?: string;
    readonly disks?: readonly { readonly disk: Identity; readonly ok: boolean }[];
  };
}

interface Identity {
  readonly serialNumber?: string;
}

function overhear(direction: Message["direction"], text: string): Overheard | undefined {
  const head = /^\{"type":"(\w+)"/.exec(text)?.[1];
  if (head !== undefined && quiet.has(head)) return undefined;
  const wire = parse(text);
  const { type = "", operationId } = wire;
  return quiet.has(type) ? undefined : { direction, type, operationId, ...contentOf(wire) };
}

function contentOf(wire: Wire): Pick<Overheard, "step" | "disks" | "userDataOf"> {
  const step = wire.step?.kind ?? wire.outcome?.kind;
  const [disks, userDataOf] = [disksOf(wire), userDataIn(wire.step?.configDrive)];
  return {
    ...(step === undefined ? {} : { step }),
    ...(disks === undefined ? {} : { disks }),
    ...(userDataOf === undefined ? {} : { userDataOf }),
  };
}

function userDataIn(configDrive: string | undefined): string | undefined {
  if (configDrive === undefined) return undefined;
  return hostOfUserData(Buffer.from(configDrive, "base64").toString("latin1"));
}

function disksOf({ step, outcome }: Wire): Overheard["disks"] {
  if (step?.kind === "erase") {
    return step.disks?.map(({ serialNumber = "" }) => ({ serialNumber, ok: false }));
  }
  if (outcome?.kind !== "erase") return undefined;
  return outcome.disks?.map(({ disk: { serialNumber = "" }, ok }) => ({ serialNumber, ok }));
}

function parse(text: string): Wire {
  try {
    return JSON.parse(text) as Wire;
  } catch {
    return { type: "garbled" };
  }
}
