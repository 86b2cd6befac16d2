// A real Postgres that can be lost at a statement: its connection, its backend, its server, or its right to write.
import { sql } from "drizzle-orm";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from "../../../../control-plane/entry/embedded-postgres.ts";
import { freePort } from "../../../../control-plane/entry/free-port.ts";
import { openPostgres, type Database } from "../../../../control-plane/store/database.ts";
import { migrate } from "../../../../control-plane/store/migrate.ts";
import { startFaultProxy, type FaultProxy } from "./fault-proxy.ts";

export interface FaultyPostgres {
  /** Through the proxy, as the control plane opens it. */
  readonly store: Database;
  /** Past the proxy: to look at the rows. */
  readonly judge: Database;
  readonly proxy: FaultProxy;
  /** Holds `table` against changes until `run` is over; `onWaiting` hears who waits for it. */
  whileLocked(
    table: string,
    run: () => Promise<unknown>,
    onWaiting: (pid: number) => Promise<unknown>,
  ): Promise<void>;
  terminate(pid: number): Promise<unknown>;
  /** Loses the server with all that it had not committed, and starts it again. */
  crash(): Promise<void>;
  setReadOnly(readOnly: boolean): Promise<void>;
  stop(): Promise<void>;
}

export async function startFaultyPostgres(): Promise<FaultyPostgres> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "farrier-faulty-postgres-"));
  const port = await freePort();
  let server: EmbeddedPostgres = await startEmbeddedPostgres({ dataDirectory, port });
  const { url } = server;
  const proxy = await startFaultProxy(port);
  const opened = (to: string) =>
    openPostgres({ url: to, directUrl: to, maxConnections: 2, pooler: false });
  const judge = opened(url);
  await migrate(judge);
  const store = opened(url.replace(`:${port}/`, `:${proxy.port}/`));
  const admin = postgres(url, { max: 2, onnotice: () => undefined });

  const waiting = async (): Promise<number | undefined> => {
    const rows = await admin<{ pid: number }[]>`
      SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'farrier'`;
    return rows[0]?.pid;
  };

  return {
    store,
    judge,
    proxy,
    async whileLocked(table, run, onWaiting) {
      const lock = postgres(url, { max: 1, onnotice: () => undefined });
      try {
        await lock.unsafe(`BEGIN; LOCK TABLE ${table} IN EXCLUSIVE MODE`);
        let isOver = false;
        const running = run().finally(() => (isOver = true));
        let pid: number | undefined;
        while (!isOver && pid === undefined) {
          pid = await waiting();
          await sleep(2);
        }
        if (pid !== undefined) await onWaiting(pid);
        await lock.unsafe("ROLLBACK").catch(() => undefined);
        await running;
      } finally {
        await lock.end({ timeout: 1 });
      }
    },
    terminate: async (pid) => await admin`SELECT pg_terminate_backend(${pid}, 5000)`,
    async crash() {
      const pidFile = join(dataDirectory, "postgres", "postmaster.pid");
      const [pid = ""] = (await readFile(pidFile, "utf8")).split("\n");
      process.kill(Number(pid), "SIGQUIT");
      await server.stop();
      server = await startEmbeddedPostgres({ dataDirectory, port });
    },
    async setReadOnly(readOnly) {
      await admin.unsafe(`ALTER SYSTEM SET default_transaction_read_only = ${String(readOnly)}`);
      await admin`SELECT pg_reload_conf()`;
      const shown = async () =>
        JSON.stringify(await store.rows(sql`SHOW default_transaction_read_only`));
      while (!(await shown().catch(() => "")).includes(readOnly ? "on" : "off")) await sleep(2);
    },
    async stop() {
      await Promise.all([store.close(), judge.close(), admin.end({ timeout: 2 })]);
      await proxy.stop();
      await server.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}
