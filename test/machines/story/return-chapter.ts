// Chapter 4: one host keeps its disks and gets another system, the other is cleaned meanwhile; then both are deleted.
import { expect, test } from "vitest";
import { debianUserData, deploy, serialOf, untilCalled } from "../fleet/deployments.ts";
import { countText, digestOf, judgeErased, judgeUnrecognisable } from "../fleet/judge-disk.ts";
import { until } from "../fleet/until.ts";
import { plantData } from "../fleet/used-disks.ts";
import { chapter, doneTo, labMachine, m1, m2, ours, secrets, stage } from "./stage.ts";

const address = "192.168.100.32";

export function tellReturn(): void {
  test("disks are left alone when cleaning is disabled", chapter, async () => {
    const { fleet } = stage();
    await plantData(labMachine("m2"));
    const paths = ["root", "data"].map((name) => labMachine("m2").diskPath(name));
    const digests = () => Promise.all(paths.map((path) => digestOf(path)));
    const before = await digests();
    const since = (await labMachine("m2").events()).length;
    await fleet.patch("m2", { image: null, automatedCleaningMode: "disabled" });
    await fleet.untilState("m2", "available", 60);
    expect(await digests()).toEqual(before);
    expect(await doneTo("m2", since)).toEqual([]);
  });

  test("the plan names the disk when a host with old data is given an image", async () => {
    const { fleet, debian } = stage();
    const image = { fileName: "debian.qcow2", sha256: debian.qcow2.sha256 };
    const userData = debianUserData(fleet, "m2");
    const warnings = await deploy(fleet, { machine: m2, address, image, userData });
    expect(warnings).toContain(`serial ${serialOf(m2, "root")}`);
  });

  // While m2 is being written.
  test(
    "cleaning leaves nothing to recognise and says that data is still there",
    chapter,
    async () => {
      const { fleet } = stage();
      const root = labMachine("m1").diskPath("root");
      const data = await plantData(labMachine("m1"));
      expect(await countText(root, secrets.userData)).toBe(1);
      await fleet.patch("m1", { image: null });
      await fleet.untilState("m1", "available", 300);
      await judgeErased(data);
      await judgeUnrecognisable(root);
      expect(await countText(root, secrets.userData)).toBe(0);
      const events = await fleet.events("m1");
      const report = events.find(({ reason }) => reason === "DeprovisioningComplete")?.message;
      for (const { serial } of m1.disks) expect(report).toContain(`serial ${serial}`);
      expect(report).toContain("the data itself was NOT erased");
      expect(await labMachine("m1").chassis("get", "power")).toEqual(["power:0"]);
    },
  );

  test("Debian takes name, network and user data from its config drive", chapter, async () => {
    const { fleet } = stage();
    await fleet.untilState("m2", "provisioned", 500);
    // The first call was the witness's.
    const call = await untilCalled(fleet, "m2", { seconds: 400, after: 1 });
    const instance = fleet.watch.latest("m2")?.metadata.uid;
    expect(call).toMatchObject({ query: { instance, host: "m2" }, from: address });
  });

  test.each(ours)("$name is deleted: off, gone, and its Secret with it", chapter, async (host) => {
    const { name } = host;
    const { fleet } = stage();
    await fleet.kubectl("delete", "baremetalhost", name, "--timeout=170s");
    const patience = { fact: `${name} is gone`, seconds: 10 };
    await fleet.untilHost(name, patience, (seen) => seen === undefined);
    expect(await labMachine(name).chassis("get", "power")).toEqual(["power:0"]);
    const left = `secret/${name}-bmc`;
    await until(
      { fact: `nothing of ${name} is left`, seconds: 60, everyMs: 1000 },
      () => fleet.kubectl("get", left, "--ignore-not-found", "-o=name"),
      (names) => names === "",
    );
    expect(await fleet.kubectl("get", "hardwaredata", "-o=name")).not.toContain(name);
  });

  test("the host that is provisioned elsewhere was neither switched nor answered", async () => {
    expect(await doneTo("m3", 0)).toEqual(["power-on-requested", "started"]);
  });
}
