// A proxy in front of Postgres that knows where messages begin and end (PostgreSQL, "Frontend/Backend Protocol",
// Message Formats) and breaks the connection at a chosen statement.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/**
 * Where the connection breaks: before Postgres has the statement; with a part of the answer passed on; or when it has
 * committed and all of the answer is held back.
 */
export type Cut = "before" | "within" | "after";

export interface FaultProxy {
  readonly port: number;
  /** Breaks the connection at the `count`-th statement from now on; 1 is the next. */
  arm(cut: Cut, count: number): void;
  /** Nothing breaks any more; says whether something did since `arm`. */
  disarm(): boolean;
  stop(): Promise<void>;
}

interface Armed {
  readonly cut: Cut;
  left: number;
}

const executes = ["E", "Q"]; // Execute of the extended protocol, and a simple query
const tellsSomething = ["D", "C"]; // DataRow, CommandComplete
const completed = "Z"; // ReadyForQuery: the implicit transaction is over

export async function startFaultProxy(postgresPort: number): Promise<FaultProxy> {
  let armed: Armed | undefined;
  let broke = false;
  const sockets = new Set<Socket>();

  const pass = (client: Socket) => {
    const server = connect(postgresPort, "127.0.0.1");
    let answering: Cut | undefined;
    const end = () => {
      client.destroy();
      server.destroy();
    };
    const breakNow = () => {
      broke = true;
      armed = undefined;
      end();
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      socket.once("close", end);
      socket.on("error", end);
    }
    const asked = messages("startup", (type, bytes) => {
      if (armed !== undefined && executes.includes(type)) {
        armed.left -= 1;
        if (armed.left === 0 && armed.cut === "before") return breakNow();
        if (armed.left === 0) answering = armed.cut;
      }
      server.write(bytes);
    });
    const answered = messages("typed", (type, bytes) => {
      if (answering === undefined) return client.write(bytes);
      if (type === completed) return breakNow();
      if (answering === "after") return;
      client.write(bytes, tellsSomething.includes(type) ? breakNow : undefined);
    });
    client.on("data", asked);
    server.on("data", answered);
  };

  const listener = createServer(pass).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    arm(cut, count) {
      broke = false;
      armed = { cut, left: count };
    },
    disarm() {
      armed = undefined;
      return broke;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

/** Cuts a stream into messages; the first of a client has a length only, all others a type before it. */
function messages(
  first: "startup" | "typed",
  onMessage: (type: string, bytes: Buffer) => unknown,
): (chunk: Buffer) => void {
  let kept = Buffer.alloc(0);
  let lengthAt = first === "startup" ? 0 : 1;
  return (chunk) => {
    kept = Buffer.concat([kept, chunk]);
    while (kept.length >= lengthAt + 4) {
      const end = lengthAt + kept.readUInt32BE(lengthAt);
      if (kept.length < end) return;
      const type = lengthAt === 0 ? "" : kept.toString("latin1", 0, 1);
      onMessage(type, kept.subarray(0, end));
      kept = kept.subarray(end);
      lengthAt = 1;
    }
  };
}
