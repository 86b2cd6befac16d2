// One cell of the crash matrix: the story is played again, and at the cell's moment its victim is killed and comes back.
import { stateOf } from "../judges/host-of.ts";
import type { CallHook } from "../kernel/life.ts";
import { systemOn } from "../machines/disks/system-image.ts";
import type { Onlooker } from "../run/run.ts";
import { standOf } from "../run/converged.ts";
import { runScenario } from "../run/run-scenario.ts";
import { startMs } from "../run/world.ts";
import type { World } from "../run/world.ts";
import type { WorldEvent } from "../world/events.ts";
import type { DiskTruth, Truth } from "../world/truth.ts";
import { expected } from "./expected.table.ts";
import { verdictOf } from "./judge-cell.ts";
import type { CellEnd, Verdict } from "./judge-cell.ts";
import { scenarioOf } from "./stories.table.ts";
import type { Story } from "./stories.table.ts";
import { victims } from "./victims.table.ts";
import type { Victim, VictimName } from "./victims.table.ts";
import { nameOfCall } from "./watch-run.ts";
import type { Moment } from "./watch-run.ts";

export interface CellOptions {
  readonly story: Story;
  /** Place in `story.operations`. */
  readonly operation: number;
  readonly moment: Moment;
  readonly victim: VictimName;
}

/** After the victim has come back, until everything is said to be well. */
const healedMs = 1_000;

export async function playCell({
  story,
  operation,
  moment,
  victim,
}: CellOptions): Promise<Verdict> {
  const killer = new Killer(moment, victims[victim]);
  const scenario = scenarioOf(story, moment.atMs - startMs + victims[victim].awayMs + healedMs);
  const run = await runScenario(scenario, { trace: true, onlooker: killer });
  const { work = "" } = story.operations[operation] ?? {};
  const asked = { place: story.before + operation, work, ends: story.ends };
  if (killer.end === undefined) return { shown: "stuck", problems: [String(run.stuck)] };
  const { shown, problems } = verdictOf(asked, { ...run, end: killer.end });
  const must = expected[victim]?.[moment.journal];
  const wrong =
    must === undefined || must === shown ? [] : [`it must end "${must}", not "${shown}"`];
  const unkilled = killer.hasKilled ? [] : ["the moment never came, or nobody was there"];
  return { shown, problems: [...unkilled, ...wrong, ...problems] };
}

class Killer implements Onlooker {
  hasKilled = false;
  end: CellEnd | undefined;
  #number = 0;
  #world: World | undefined;
  readonly #moment: Moment;
  readonly #victim: Victim;

  constructor(moment: Moment, victim: Victim) {
    this.#moment = moment;
    this.#victim = victim;
  }

  onStart(world: World): void {
    this.#world = world;
  }

  readonly onCall: CallHook = (life, what, when) => this.#next(nameOfCall(life, what, when));

  onEvent({ kind }: WorldEvent): void {
    this.#next(kind);
  }

  onEnd({ truth }: World): void {
    this.end = endOf(truth);
  }

  #next(what: string): void {
    this.#number += 1;
    const world = this.#world;
    if (this.#number !== this.#moment.number || world === undefined) return;
    if (what !== this.#moment.what || world.kernel.nowMs() !== this.#moment.atMs) return;
    const { fault, awayMs } = this.#victim;
    const target = this.#victim.target(this.#moment);
    const revive = this.#victim.kill(world, target);
    if (revive === undefined) return;
    this.hasKilled = true;
    world.tell({ kind: "fault", fault, target });
    world.kernel.timer(awayMs, () => {
      revive();
      world.tell({ kind: "fault-ended", fault, target });
    });
  }
}

function endOf(truth: Truth): CellEnd {
  const [disk] = truth.machines.get("m1")?.disks ?? [];
  const [image] = truth.images;
  if (disk === undefined || image === undefined) throw new Error("the story has lost its machine");
  const [host] = truth.hostsOf("m1");
  return {
    state: host === undefined ? "gone" : stateOf(host.object),
    isWanted: host === undefined || standOf(host.object) === "wanted",
    system: systemOn(disk),
    holdsImage: holds(disk, image.bytes),
  };
}

/** Boot code and partitions: the tables between them are made for the disk's size. */
function holds(disk: DiskTruth, image: Uint8Array): boolean {
  const parts = [
    [0, 440],
    [512 * 1024, image.length - 64 * 1024],
  ] as const;
  return parts.every(
    ([from, to]) => Buffer.compare(disk.peek(from, to - from), image.subarray(from, to)) === 0,
  );
}
