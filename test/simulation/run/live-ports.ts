// Ports bound to one life of a process: from its end no call is made or answered (kernel/life.ts). What is durable
// (files, the agent's database, the control plane's store) is made outside and outlives it.
import type { AgentDatabase, Files, Log, OpenFile } from "../../../site-agent/ports.ts";
import type { KubernetesApi } from "../../../site-agent/cluster/port.ts";
import { ok } from "../../../shared/result.ts";
import type { Life } from "../kernel/life.ts";
import { Ended } from "../kernel/life.ts";

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
            if (life.alive) onEvent(event);
          },
          watching,
        ),
      );
    },
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
