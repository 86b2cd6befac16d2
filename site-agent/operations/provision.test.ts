// provision: what can be refused is refused before anything is touched; past the point of no return it finishes.
import { beforeEach, describe, expect, test } from "vitest";
import {
  contentDigest,
  hostUid,
  mac,
  makeFakeSite,
  secretOf,
  type FakeSite,
} from "../../test/support/fake-site.ts";
import { fromBase64 } from "../../shared/bytes.ts";
import type { OperationPayload } from "../../shared/protocol/operation.ts";
import type { RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import { err } from "../../shared/result.ts";

let site: FakeSite;
beforeEach(() => {
  site = makeFakeSite();
});

const provision: OperationPayload = {
  kind: "provision",
  image: { url: "http://images.example/debian.qcow2", checksum: "a".repeat(64) },
  bootMode: "UEFI",
  userData: secretOf("userData"),
  networkData: secretOf("networkData"),
};

/** Runs before the real step of this kind. */
function onStep(kind: RamdiskStep["kind"], before: (step: RamdiskStep) => void | Promise<void>) {
  const { run } = site.ramdisk;
  site.ramdisk.run = async (step, options) => {
    if (step.kind === kind) await before(step);
    return await run(step, options);
  };
}

test("provisioning writes, then boots the disk: boot device set before the power comes on", async () => {
  expect(await site.run(provision)).toMatchObject({
    kind: "operation-succeeded",
    result: {
      kind: "provision",
      on: true,
      contentDigest,
      writtenBytes: 1000,
      bootEntry: "Boot0002 Farrier",
      disk: { serialNumber: "D1" },
    },
  });
  expect(site.did).toEqual([
    "image open",
    "power off",
    "boot device pxe once",
    `netboot allow ${mac}`,
    "power on",
    `netboot withdraw ${mac}`,
    "extents offer",
    "ramdisk write",
    "extents withdraw",
    "ramdisk leave power-off",
    "power off",
    "boot device disk",
    "power on",
    "image release",
  ]);
});

test("provisioning reports its steps in order", async () => {
  await site.run(provision);
  const steps = site
    .told()
    .flatMap((body) => (body.kind === "operation-progress" ? [body.progress.step] : []));
  expect(steps).toEqual([
    "Fetching",
    "PoweringOff",
    "PoweringOn",
    "BootingRamdisk",
    "RebootingToDisk",
    "PoweringOff",
    "PoweringOn",
  ]);
});

test("the config drive holds user data and network data, and only opened ones", async () => {
  site.secrets.userData = "#cloud-config\nhostname: sleipnir\n";
  site.secrets.networkData = "links: []\n";
  let drive = "";
  onStep("write", (step) => {
    const bytes = step.kind === "write" ? fromBase64(step.configDrive ?? "") : undefined;
    drive = new TextDecoder("latin1").decode(bytes);
  });
  await site.run(provision);
  expect(drive).toContain("hostname: sleipnir");
  expect(drive).toContain('"links"');
  expect(drive).toContain(hostUid);
});

describe("before anything is touched", () => {
  test.each([
    ["not-found", "image-not-found"],
    ["checksum", "image-checksum"],
    ["format", "image-format"],
    ["no-space", "image-too-large"],
  ] as const)("an image that is wrong (%s) ends it", async (kind, told) => {
    site.image.opens = err(kind, `the image is wrong: ${kind}`);
    expect(await site.run(provision)).toMatchObject({
      failure: { kind: told, destroyed: false, message: `the image is wrong: ${kind}` },
    });
    expect(site.did).toEqual(["image open"]);
  });

  test("network data that is no map ends it, and the image is let go", async () => {
    site.secrets.networkData = "- a list";
    expect(await site.run(provision)).toMatchObject({ failure: { kind: "secret" } });
    expect(site.did).toEqual(["image open", "image release"]);
  });

  test("a format that cannot be written ends it", async () => {
    const image = { ...provision.image, format: "live-iso" as const };
    expect(await site.run({ ...provision, image })).toMatchObject({
      failure: { kind: "image-format" },
    });
    expect(site.did).toEqual([]);
  });

  test("a machine that was never inspected ends it", async () => {
    const { identity: _i, ...spec } = site.store().spec;
    site.documents.store({ hostUid, revision: 9, hash: "h", spec });
    expect(await site.run(provision, { revision: 9 })).toMatchObject({
      failure: { kind: "identity", destroyed: false },
    });
    expect(site.did).toEqual([]);
  });
});

describe("at the point of no return", () => {
  const changes: readonly [string, () => void, string][] = [
    ["a newer revision", () => site.store(), "fenced"],
    ["another allocation", () => site.store({ allocation: "a2" }), "fenced"],
    ["a detached host", () => site.hold({ detached: true }), "fenced"],
    ["an externally provisioned host", () => site.hold({ externallyProvisioned: true }), "fenced"],
    ["a host that left the site", () => site.documents.remove(hostUid, 99), "fenced"],
    ["the operator's no", () => (site.guard.says = "the site guard says no"), "guard"],
  ];
  test.each(changes)("%s stops it, and nothing is destroyed", async (_words, change, kind) => {
    onStep("write", change);
    const order = site.order(provision);
    site.dispatcher.accept(order);
    expect(await site.ended(order.id)).toMatchObject({
      failure: {
        kind,
        destroyed: false,
        message: expect.stringContaining("Nothing was destroyed"),
      },
    });
    expect(site.did.at(-1)).toBe("image release");
    expect(site.did).toContain(`netboot withdraw ${mac}`);
    expect(site.did).toContain("extents withdraw");
    expect(site.acts().at(-1)).toBe("ramdisk write");
  });

  test("a cancellation stops it", async () => {
    const order = site.order(provision);
    onStep("write", () => site.dispatcher.cancel(order.id));
    site.dispatcher.accept(order);
    expect(await site.ended(order.id)).toMatchObject({
      failure: { kind: "cancelled", destroyed: false },
    });
  });

  test("the point is in the journal before the ramdisk may go on", async () => {
    const order = site.order(provision);
    let state: string | undefined;
    const { run } = site.ramdisk;
    site.ramdisk.run = (step, options) =>
      run(step, {
        ...options,
        async mayDestroy(question) {
          const answer = await options.mayDestroy(question);
          state = site.journal.find(order.id)?.state;
          return answer;
        },
      });
    site.dispatcher.accept(order);
    await site.ended(order.id);
    expect(state).toBe("destroying");
  });
});

describe("past the point of no return", () => {
  /** Asks, is let go on, then `during` happens. */
  function writing(during: () => void | Promise<void>): void {
    const { run } = site.ramdisk;
    site.ramdisk.run = async (step, options) => {
      const result = await run(step, options);
      if (step.kind === "write") await during();
      return result;
    };
  }

  test("a lost control plane, a newer revision and old age do not stop it", async () => {
    writing(async () => {
      site.renews = false;
      site.store();
      await site.clock.sleep(7_200_000);
    });
    expect(await site.run(provision)).toMatchObject({
      kind: "operation-succeeded",
      result: { on: true },
    });
    expect(site.acts().slice(-3)).toEqual(["power off", "boot device disk", "power on"]);
  });

  test("a cancellation comes too late", async () => {
    const order = site.order(provision);
    writing(() => site.dispatcher.cancel(order.id));
    site.dispatcher.accept(order);
    expect(await site.ended(order.id)).toMatchObject({ kind: "operation-succeeded" });
  });

  test("a BMC that is away for a moment does not cost the work", async () => {
    let away = 0;
    writing(() => {
      site.bmc.fail = () => (away++ < 4 ? "unreachable" : undefined);
    });
    expect(await site.run(provision)).toMatchObject({ kind: "operation-succeeded" });
  });

  test("an image whose checksum proves wrong in the middle is the image's failure", async () => {
    site.image.verified = err("checksum", "The image's sha256 is b and a was promised");
    const { run } = site.ramdisk;
    site.ramdisk.run = async (step, options) => {
      await run(step, options);
      const failure = { kind: "stream" as const, message: "the stream failed", destroyed: true };
      return { ok: false, failure };
    };
    expect(await site.run(provision)).toMatchObject({
      failure: {
        kind: "image-checksum",
        destroyed: true,
        message: "The image's sha256 is b and a was promised",
      },
    });
    expect(site.acts().at(-1)).toBe("ramdisk write");
    expect(site.did.slice(-2)).toEqual(["extents withdraw", "image release"]);
  });

  test("content that is not the image's is not booted", async () => {
    site.image.verified = { ok: true, value: { contentDigest: "d".repeat(64) } };
    expect(await site.run(provision)).toMatchObject({
      failure: { kind: "stream", destroyed: true },
    });
    expect(site.acts().at(-1)).toBe("ramdisk write");
  });

  test("a ramdisk that goes silent ends it as lost", async () => {
    const { run } = site.ramdisk;
    site.ramdisk.run = async (step, options) => {
      await run(step, options);
      return { ok: false, failure: { kind: "lost", message: "silent", destroyed: true } };
    };
    site.image.verified = err("aborted", "nobody wants it");
    expect(await site.run(provision)).toMatchObject({
      failure: { kind: "ramdisk-lost", destroyed: true },
    });
  });
});

describe("a host with disablePowerOff", () => {
  beforeEach(() => site.hold({ disablePowerOff: true }));

  test("reboots from the ramdisk into its disk and is never switched off", async () => {
    expect(await site.run(provision)).toMatchObject({ result: { on: true } });
    expect(site.acts()).toEqual([
      "boot device pxe once",
      "power reset",
      "ramdisk write",
      "boot device disk",
      "ramdisk leave reboot",
    ]);
  });

  test("is reset when its ramdisk does not answer", async () => {
    const { run } = site.ramdisk;
    site.ramdisk.run = async (step, options) =>
      step.kind === "leave"
        ? { ok: false, failure: { kind: "lost", message: "silent", destroyed: false } }
        : await run(step, options);
    expect(await site.run(provision)).toMatchObject({ result: { on: true } });
    expect(site.acts().slice(-2)).toEqual(["ramdisk leave reboot", "power reset"]);
  });

  test("that gets it while its ramdisk leaves is not switched off any more", async () => {
    site.hold({ disablePowerOff: false });
    onStep("leave", () => void site.hold({ disablePowerOff: true }));
    const order = site.order(provision);
    site.dispatcher.accept(order);
    expect(await site.ended(order.id)).toMatchObject({
      failure: { kind: "fenced", message: expect.stringContaining("disablePowerOff") },
    });
    expect(site.acts().at(-1)).toBe("ramdisk leave power-off");
  });
});
