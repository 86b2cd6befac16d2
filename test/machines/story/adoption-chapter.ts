// Chapter 3: every row of the database is gone while the machines run; the operator adds everything anew.
import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { operationOf } from "../fleet/host-object.ts";
import { judgeDeployment } from "../fleet/judge-disk.ts";
import { chapter, doneTo, fileBeside, journals, labMachine, ours, stage } from "./stage.ts";

export function tellAdoption(): void {
  test("hosts are adopted from their own status, and no machine is touched", chapter, async () => {
    const { fleet } = stage();
    const all = ["m1", "m2", "m3"];
    const before = await journals();
    const since = new Map(all.map((name) => [name, fleet.watch.count(name)]));
    await fleet.paddock.loseDatabase();
    await joinWithoutThrottle();
    await fleet.paddock.untilAdopted(all);
    for (const name of all) {
      const patience = { fact: `${name} was registered with its BMC again`, seconds: 90 };
      await fleet.untilHost(name, patience, (host) => {
        return operationOf(host)?.reason === "RegisterSucceeded";
      });
    }
    expect(fleet.watch.states("m1", since.get("m1"))).toEqual(["provisioned"]);
    expect(fleet.watch.states("m2", since.get("m2"))).toEqual(["provisioned"]);
    expect(fleet.watch.states("m3", since.get("m3"))).toEqual(["externally provisioned"]);
    expect(await journals()).toBe(before);
  });

  test("life goes on: hosts follow spec.online", chapter, async () => {
    const { fleet, witness } = stage();
    for (const { name } of ours) {
      const since = (await labMachine(name).events()).length;
      await fleet.patch(name, { online: false });
      const patience = { fact: `${name} is off`, seconds: 90 };
      await fleet.untilHost(name, patience, (host) => host?.status?.poweredOn === false);
      expect(await doneTo(name, since)).toEqual(["soft-off-requested", "stopped"]);
      expect((await labMachine(name).events()).at(-1)).toMatchObject({ cause: "guest-shutdown" });
      await judgeDeployment(labMachine(name).diskPath("root"), witness.raw);
    }
  });
}

/** As an operator would after the loss: the agent enrols as a new one, and the site's new key is accepted. */
async function joinWithoutThrottle(): Promise<void> {
  const { fleet } = stage();
  const change = JSON.stringify([{ op: "remove", path: "/data/paddock" }]);
  const pins = ["configmap", "farrier-site-keys", "--namespace=farrier-system"];
  await fleet.kubectl("patch", ...pins, "--type=json", `--patch=${change}`);
  const path = fileBeside("agent.json");
  const config = JSON.parse(await readFile(path, "utf8")) as { site: object };
  const site = { ...config.site, writeBytesPerSecond: 0 };
  await writeFile(path, JSON.stringify({ ...config, site }));
  await fleet.paddock.join();
}
