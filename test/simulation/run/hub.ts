// Control-plane instances of the simulated fleet: the real composition over one database. An instance ends by a
// crash, or in order; the next of its name is another life.
import { compose } from "../../../control-plane/compose.ts";
import type { ControlPlane } from "../../../control-plane/compose.ts";
import { upgradeInMemory } from "../../support/memory-hub.ts";
import { makeSeededControlPlaneCrypto } from "../machines/crypto/seeded-crypto.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { makeLife } from "../kernel/life.ts";
import type { CallHook, Life } from "../kernel/life.ts";
import type { Random } from "../kernel/random.ts";
import type { Wan } from "../network/wan.ts";
import type { Happened } from "../world/events.ts";
import type { OpenedDatabase, SimulatedDatabase } from "./database.ts";
import { liveLog } from "./live-ports.ts";

export const hubUrl = "http://hub.example";
const adminToken = "an operator's token of the simulation, no secret";

export interface HubOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly tell: (happened: Happened) => void;
  readonly wan: Wan;
  readonly database: SimulatedDatabase;
  readonly databaseFaults: DatabaseFaults;
  readonly onCall?: CallHook | undefined;
}

/** What the database does to its callers. */
export interface DatabaseFaults {
  down: boolean;
  failsBefore: number;
  failsAfter: number;
  slowMs: number;
  losesNotifications: number;
}

export function noDatabaseFaults(): DatabaseFaults {
  return {
    down: false,
    failsBefore: 0,
    failsAfter: 0,
    slowMs: 0,
    losesNotifications: 0,
  };
}

interface Running {
  readonly life: Life;
  readonly plane: ControlPlane;
}

export class Hub {
  readonly #options: HubOptions;
  readonly #running = new Map<string, Running>();
  readonly #incarnations = new Map<string, number>();
  readonly #starting = new Set<string>();

  constructor(options: HubOptions) {
    this.#options = options;
  }

  /** One of a name at a time. */
  async start(name: string): Promise<void> {
    if (this.#running.has(name) || this.#starting.has(name)) return;
    this.#starting.add(name);
    await this.#start(name).finally(() => this.#starting.delete(name));
  }

  async #start(name: string): Promise<void> {
    const { kernel, random, tell, wan, onCall } = this.#options;
    const incarnation = (this.#incarnations.get(name) ?? 0) + 1;
    this.#incarnations.set(name, incarnation);
    const life = makeLife({ kernel, name, incarnation, onCall });
    const plane = await compose({
      ...this.#openFor(life),
      clock: life.clock,
      crypto: makeSeededControlPlaneCrypto(random.split(`${name} ${incarnation}`)),
      log: liveLog(life, (level, message, fields) =>
        tell({ kind: "log", process: name, level, message, fields: { ...fields } }),
      ),
      upgradeWebSocket: upgradeInMemory,
      instance: name,
      origins: [hubUrl],
      adminToken,
    });
    this.#running.set(name, { life, plane });
    wan.serve(name, life, (url, init, env) => plane.app.request(url, init, env));
    tell({ kind: "started", process: name, incarnation });
  }

  crash(name: string): void {
    const running = this.#running.get(name);
    if (running === undefined) return;
    this.#running.delete(name);
    running.life.end();
    const { incarnation } = running.life;
    this.#options.tell({ kind: "ended", process: name, incarnation, crash: true });
  }

  async stop(name: string): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) return;
    this.#options.wan.withdraw(name);
    this.#running.delete(name);
    await running.plane.stop();
    running.life.end();
    const { incarnation } = running.life;
    this.#options.tell({ kind: "ended", process: name, incarnation, crash: false });
  }

  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  async stopAll(): Promise<void> {
    for (const name of this.#running.keys()) await this.stop(name);
  }

  /** What `npm run admin` does. */
  async admin(path: string, body: object): Promise<Record<string, unknown>> {
    const [running] = this.#running.values();
    if (running === undefined) throw new Error("no instance runs");
    const response = await running.plane.app.request(`/admin/v1/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  }

  /** What an API server posts; undefined: no instance answers in time. */
  async review(path: string, body: object): Promise<{ allowed: boolean } | undefined> {
    const names = [...this.#running.keys()].toSorted();
    const name = names.length === 0 ? undefined : this.#options.random.pick(names);
    const running = name === undefined ? undefined : this.#running.get(name);
    if (running === undefined) return undefined;
    const asked = running.life.call("http", async () => {
      const response = await running.plane.app.request(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      return response.status === 200
        ? ((await response.json()) as { response: { allowed: boolean } }).response
        : undefined;
    });
    return await Promise.race([asked, this.#options.kernel.sleep(10_000).then(() => undefined)]);
  }

  #openFor(life: Life): OpenedDatabase {
    const { database, databaseFaults: faults, kernel, random, tell } = this.#options;
    const draws = random.split(`database ${life.name} ${life.incarnation}`);
    let answers = true;
    const tellAnswers = (now: boolean): void => {
      if (now !== answers && life.alive)
        tell({ kind: "database", process: life.name, answers: now });
      answers = now;
    };
    const failure = (code: string): Error => {
      tellAnswers(false);
      return Object.assign(new Error("the connection was lost"), { code });
    };
    const opened = database.open(life.clock, (statement, name = "statement") =>
      life.call(`database.${name}`, async () => {
        await kernel.sleep(draws.between(0, 2) + draws.below(faults.slowMs + 1));
        if (faults.down) throw failure("57P01");
        if (draws.chance(faults.failsBefore)) throw failure("08006");
        const value = await statement();
        // A database that died meanwhile answers nobody.
        if (draws.chance(faults.failsAfter) || faults.down) throw failure("08006");
        tellAnswers(true);
        return value;
      }),
    );
    const { notifications } = opened;
    return {
      ...opened,
      notifications: {
        ...notifications,
        listen: (channel, onMessage, onReady) =>
          life.call("database.listen", () =>
            notifications.listen(
              channel,
              (payload) => {
                if (!draws.chance(faults.losesNotifications)) life.arrive(() => onMessage(payload));
              },
              onReady,
            ),
          ),
      },
    };
  }
}
