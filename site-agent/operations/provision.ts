// provision: image and config drive onto the root disk, then the machine boots it. Everything that can be
// refused is checked before the first byte is destroyed.
import { buildConfigDrive } from "../imaging/config-drive-image.ts";
import { toBase64 } from "../../shared/bytes.ts";
import type { OperationPayload } from "../../shared/protocol/operation.ts";
import type { SealedSecret, SecretPurpose } from "../../shared/protocol/sealed-secret.ts";
import type { ImageSource, OpenImage } from "../imaging/port.ts";
import { bootRamdisk } from "./steps/boot-ramdisk.ts";
import { imageFailures } from "./failure-kinds.table.ts";
import { fail, valueOf, type Context, type RunOperation } from "./operation-context.ts";
import { bootOwnDisk } from "./power.ts";
import { openBmc, powerOff, powerOn, readPower } from "./steps/power-control.ts";
import { newToken, runStep } from "./steps/run-step.ts";

type Payload = Extract<OperationPayload, { kind: "provision" }>;

export const provision: RunOperation<"provision"> = async (context, payload) => {
  const { site, signal } = context;
  context.report({ step: "Fetching" });
  const image = valueOf(
    await site.images.open(imageSource(payload), (progress) => context.report(progress), signal),
    imageFailures,
  );
  try {
    const configDrive = await makeConfigDrive(context, payload);
    const session = await bootRamdisk(context);
    const token = newToken(context);
    const offer = site.offerExtents(token, () => image.frames());
    const written = await write(context, session, {
      payload,
      image,
      configDrive,
      token,
      path: offer.path,
    }).finally(() => offer.withdraw());
    context.report({ step: "RebootingToDisk" });
    const bmc = await openBmc(context);
    await runStep(context, session, { kind: "leave", how: "power-off" });
    site.sessions.forget(context.document.hostUid);
    await powerOff(context, bmc, "hard");
    await bootOwnDisk(context, bmc);
    await powerOn(context, bmc);
    return {
      kind: "provision",
      on: await readPower(bmc),
      disk: written.disk,
      contentDigest: written.contentDigest,
      writtenBytes: written.writtenBytes,
      durationMs: context.elapsedMs(),
      bootEntry: written.bootEntry,
    };
  } finally {
    image.release();
  }
};

function imageSource({ image }: Payload): ImageSource {
  if (image.format !== undefined && image.format !== "raw" && image.format !== "qcow2") {
    fail(
      "image-format",
      `spec.image.format "${image.format}" cannot be written; use raw or qcow2.`,
    );
  }
  return {
    url: image.url,
    checksum: image.checksum ?? "",
    checksumType: image.checksumType ?? "auto",
    ...(image.format === undefined ? {} : { format: image.format }),
  };
}

async function write(
  context: Context,
  session: Parameters<typeof runStep>[1],
  what: {
    payload: Payload;
    image: OpenImage;
    configDrive: Uint8Array;
    token: string;
    path: string;
  },
) {
  const { document, site } = context;
  const { payload } = what;
  const step = {
    kind: "write" as const,
    approvedDisks: document.spec.disks ?? [],
    extentsPath: what.path,
    virtualBytes: what.image.virtualBytes,
    configDrive: toBase64(what.configDrive),
    bootMode: payload.bootMode,
    bytesPerSecond: site.writeBytesPerSecond,
    ...(payload.rootDeviceHints === undefined ? {} : { rootDeviceHints: payload.rootDeviceHints }),
  };
  const [written, verified] = await Promise.all([
    runStep<"write">(context, session, step, what.token).catch(async (error: unknown) => {
      // A stream that broke because the image is wrong is the image's failure.
      const why = await Promise.race([what.image.verified, Promise.resolve(undefined)]);
      if (why !== undefined && !why.ok) fail(imageFailures[why.error.kind], why.error.message);
      throw error;
    }),
    what.image.verified,
  ]);
  const { contentDigest } = valueOf(verified, imageFailures);
  if (written.contentDigest !== contentDigest) {
    fail(
      "stream",
      `The disk holds content ${written.contentDigest}, the image is ${contentDigest}; the work starts again.`,
    );
  }
  return written;
}

async function makeConfigDrive(context: Context, payload: Payload): Promise<Uint8Array> {
  const { document, site } = context;
  const open = async (purpose: SecretPurpose, sealed: SealedSecret | undefined) => {
    if (sealed === undefined) return undefined;
    const use = { hostUid: document.hostUid, purpose, bmcAddress: "" };
    return valueOf(await site.openSecret(sealed, use), { secret: "secret" });
  };
  const drive = buildConfigDrive({
    uid: document.hostUid,
    namespace: document.spec.namespace,
    name: document.spec.name,
    userData: await open("userData", payload.userData),
    networkData: await open("networkData", payload.networkData),
    metaData: await open("metaData", payload.metaData),
  });
  return valueOf(drive, { "config-drive": "secret" });
}
