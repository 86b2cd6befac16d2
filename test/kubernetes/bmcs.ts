// BMCs on the hub's end of the site's WAN, in the process of the test, so that it can read what they counted
// and turn their faults on. Behind each is a machine that only remembers.
import { randomUUID } from "node:crypto";
import { makeMemoryChassis, type MemoryChassis } from "../../infra/lab/bmc-simulator/chassis.ts";
import { startBmcSimulator, type BmcSimulator } from "../../infra/lab/bmc-simulator/simulator.ts";

export const bmcUser = "farrier";
export const bmcPassword = "horseshoe";

export interface TestBmc {
  readonly simulator: BmcSimulator;
  readonly chassis: MemoryChassis;
  /** For spec.bmc.address. */
  readonly url: string;
  /** What it accepts from now on. */
  setPassword(password: string): void;
}

export interface Bmcs {
  add(options?: { readonly on?: boolean }): Promise<TestBmc>;
  close(): void;
}

export function makeBmcs(address: string): Bmcs {
  const all: BmcSimulator[] = [];
  return {
    async add({ on = false } = {}) {
      const chassis = makeMemoryChassis(on);
      const user = { name: bmcUser, password: bmcPassword, privilege: "administrator" as const };
      const simulator = await startBmcSimulator({
        address,
        port: 0,
        users: [user],
        guid: randomUUID(),
        chassis,
      });
      all.push(simulator);
      return {
        simulator,
        chassis,
        url: `ipmi://${address}:${simulator.local.port}`,
        setPassword(password) {
          user.password = password;
          simulator.restart();
        },
      };
    },
    close() {
      for (const simulator of all) simulator.close();
    },
  };
}
