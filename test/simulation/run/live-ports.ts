// Ports bound to one life of a process: from its end no call is made or answered (kernel/life.ts). What is durable
// (files, the agent's database, the control plane's store) is made outside and outlives it.
import type {
  AgentDatabase,
  Duplex,
  Files,
  HttpServer,
  Log,
  OpenFile,
  Udp,
} from "../../../site-agent/ports.ts";
import type { KubernetesApi } from "../../../site-agent/cluster/port.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Life } from "../kernel/life.ts";
import { Ended } from "../kernel/life.ts";
import { unlessEnded } from "../network/connection.ts";

type Asynchronous = { readonly [name: string]: (...given: never[]) => Promise<unknown> };

/** For ports whose methods are all asynchronous. */
export function live<T extends object>(life: Life, name: string, port: T): T {
  const bound: Record<string, unknown> = {};
  for (const [key, method] of Object.entries(port as Asynchronous)) {
    const what = `${name}.${key}`;
    bound[key] = (...given: never[]) => life.call(what, () => method.apply(port, given));
  }
  return bound as T;
}

export function liveFiles(life: Life, files: Files): Files {
  return {
    ...live(life, "files", files),
    open: (path, mode) =>
      life.call("files.open", async () => {
        const opened = await files.open(path, mode);
        return opened.ok ? ok(liveFile(life, opened.value)) : opened;
      }),
  };
}

function liveFile(life: Life, file: OpenFile): OpenFile {
  return {
    sizeBytes: file.sizeBytes,
    read: (offset, length) => life.call("file.read", () => file.read(offset, length)),
    write: (offset, data) => life.call("file.write", () => file.write(offset, data)),
    sync: () => life.call("file.sync", () => file.sync()),
    close: () => life.call("file.close", () => file.close()),
  };
}

/** A statement of a dead process is never run; one that ended the process was run and never answered. */
export function liveDatabase(life: Life, database: AgentDatabase): AgentDatabase {
  return {
    execute: (sql) => life.callNow("database.execute", () => database.execute(sql)),
    run: (sql, ...values) => life.callNow("database.run", () => database.run(sql, ...values)),
    note: (sql, ...values) => life.callNow("database.note", () => database.note(sql, ...values)),
    all: (sql, ...values) => {
      if (!life.alive) throw new Ended(`${life.name} has ended`);
      return database.all(sql, ...values);
    },
    transaction: (work) => life.callNow("database.transaction", () => database.transaction(work)),
  };
}

export function liveKubernetes(life: Life, api: KubernetesApi): KubernetesApi {
  return {
    request: (request) => life.call("kubernetes.request", () => api.request(request)),
    watch(path, onEvent, signal) {
      const watching = AbortSignal.any([signal, life.signal]);
      return life.call("kubernetes.watch", () =>
        api.watch(
          path,
          (event) => {
            // A crash at a call that hearing it makes is none of the API server's.
            if (life.alive) unlessEnded(() => onEvent(event));
          },
          watching,
        ),
      );
    },
  };
}

/** Absent: it is on no network. */
export function liveUdp(life: Life, udp: Udp | undefined): Udp {
  if (udp === undefined) return { bind: async () => err("denied", "there is no network here") };
  return {
    bind: (options) =>
      life.call("udp.bind", async () => {
        const bound = await udp.bind({
          ...options,
          onMessage: (data, from) => life.arrive(() => options.onMessage(data, from)),
        });
        if (!bound.ok) return bound;
        const socket = bound.value;
        return ok({
          local: socket.local,
          send(data, to) {
            if (life.alive) socket.send(data, to);
          },
          close: () => socket.close(),
        });
      }),
  };
}

/** Absent: likewise. */
export function liveServer(life: Life, server: HttpServer | undefined): HttpServer {
  if (server === undefined)
    return { listen: async () => err("denied", "there is no network here") };
  return {
    ...live(life, "server", server),
    listen: (options) =>
      life.call("server.listen", () =>
        server.listen({
          ...options,
          handle: (request) => life.call("server.handle", () => options.handle(request)),
          ...(options.upgrade === undefined
            ? {}
            : {
                upgrade: (request, duplex) =>
                  life.arrive(() => options.upgrade?.(request, liveDuplex(life, duplex))),
              }),
        }),
      ),
  };
}

function liveDuplex(life: Life, duplex: Duplex): Duplex {
  return {
    send: (text) => life.alive && duplex.send(text),
    close(code, reason) {
      if (life.alive) duplex.close(code, reason);
    },
    onMessage: (handle) => duplex.onMessage((text) => life.arrive(() => handle(text))),
    onClose: (handle) => duplex.onClose((code, reason) => life.arrive(() => handle(code, reason))),
  };
}

/** Lines of a dead process are not written any more. */
export function liveLog(
  life: Life,
  write: (level: keyof Log, message: string, fields: object) => void,
): Log {
  const line =
    (level: keyof Log): Log["info"] =>
    (message, fields = {}) => {
      if (life.alive) write(level, message, fields);
    };
  return { info: line("info"), warn: line("warn"), error: line("error") };
}
