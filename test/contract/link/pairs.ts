// Two instances over one database, in each combination of runtimes that is promised.
import { afterAll, beforeAll, describe } from "vitest";
import {
  adminToken,
  install,
  type Answer,
  type Installation,
  type Instance,
  type RuntimeName,
} from "../../support/control-plane/instances.ts";

export interface Pair {
  readonly one: Instance;
  readonly two: Instance;
  readonly caPem: string;
  readonly installation: Installation;
  readonly admin: (method: string, path: string, body?: unknown) => Promise<Answer>;
}

const combinations: readonly (readonly [RuntimeName, RuntimeName])[] = [
  ["node", "node"],
  ["node", "deno"],
  ["deno", "node"],
];

/** The first instance of the pair is the one that tests kill. */
export function onEachPair(name: string, tests: (pair: () => Pair) => void): void {
  for (const [first, second] of combinations) {
    describe(`${name} on ${first} beside ${second}`, () => {
      let pair: Pair;
      let installation: Installation;
      beforeAll(async () => {
        installation = await install(2);
        // Migrated already: Deno only verifies.
        const one = await installation.start(first);
        const two = await installation.start(second);
        pair = {
          one,
          two,
          caPem: installation.caPem,
          installation,
          admin: (method, path, body) =>
            two.ask(method, `/admin/v1${path}`, {
              headers: { authorization: `Bearer ${adminToken}` },
              ...(body === undefined ? {} : { body }),
            }),
        };
      });
      afterAll(() => installation.stop());
      tests(() => pair);
    });
  }
}
