// provision: image and config drive onto the root disk, then the machine boots it. Everything that can be
// refused is checked before the first byte is destroyed.
import { buildConfigDrive } from "../imaging/config-drive-image.ts";
import { toBase64 } from "../../shared/bytes.ts";
import type { OperationPayload } from "../../shared/protocol/operation.ts";
import type { DiskIdentity, StepOutcome } from "../../shared/protocol/ramdisk.ts";
import type { SealedSecret, SecretPurpose } from "../../shared/protocol/facts/sealed-secret.ts";
import type { ImageSource, OpenImage } from "../imaging/port.ts";
import type { RamdiskSession } from "../sessions/port.ts";
import { imageFailures } from "./failure-kinds.table.ts";
import { fail, valueOf, type Context, type RunOperation } from "./operation-context.ts";
import { bootRamdisk } from "./steps/boot-ramdisk.ts";
import { leaveToDisk } from "./steps/leave-ramdisk.ts";
import { pinnedDisks } from "./steps/pinned-disks.ts";
import { newToken, runStep } from "./steps/run-step.ts";

type Payload = Extract<OperationPayload, { kind: "provision" }>;
type Written = Extract<StepOutcome, { kind: "write" }>;

/** How long the image may take to say what was wrong with it, once its stream has failed. */
const reasonMs = 5_000;

export const provision: RunOperation<"provision"> = async (context, payload) => {
  const { site, signal } = context;
  const disks = pinnedDisks(context);
  const source = imageSource(payload);
  context.report({ step: "Fetching" });
  let isWriting = false;
  const onProgress: Context["report"] = (progress) => {
    if (!isWriting) context.report(progress);
  };
  const image = valueOf(await site.images.open(source, onProgress, signal), imageFailures);
  try {
    const configDrive = await makeConfigDrive(context, payload);
    const session = await bootRamdisk(context);
    isWriting = true;
    const written = await write(context, session, { payload, image, configDrive, disks });
    context.report({ step: "RebootingToDisk" });
    const on = await leaveToDisk(context, session);
    return {
      kind: "provision",
      on,
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
  const { url, checksum = "", checksumType = "auto", format } = image;
  if (format !== undefined && format !== "raw" && format !== "qcow2") {
    fail("image-format", `spec.image.format "${format}" cannot be written; use raw or qcow2.`);
  }
  return { url, checksum, checksumType, ...(format === undefined ? {} : { format }) };
}

interface Work {
  readonly payload: Payload;
  readonly image: OpenImage;
  readonly configDrive: Uint8Array;
  readonly disks: readonly DiskIdentity[];
}

/** The content on the disk and the content of the image must be one. */
async function write(context: Context, session: RamdiskSession, work: Work): Promise<Written> {
  const { image, payload } = work;
  const token = newToken(context);
  const offer = context.site.offerExtents(token, () => image.frames());
  const step = {
    kind: "write" as const,
    approvedDisks: [...work.disks],
    extentsPath: offer.path,
    virtualBytes: image.virtualBytes,
    configDrive: toBase64(work.configDrive),
    bootMode: payload.bootMode,
    bytesPerSecond: context.site.writeBytesPerSecond,
    ...(payload.rootDeviceHints === undefined ? {} : { rootDeviceHints: payload.rootDeviceHints }),
  };
  const written = await runStep<"write">(context, session, step, token)
    .catch((thrown: unknown) => failWithReason(context, image, thrown))
    .finally(() => offer.withdraw());
  const { contentDigest } = valueOf(await image.verified, imageFailures);
  if (written.contentDigest !== contentDigest) {
    fail(
      "stream",
      `The disk holds content ${written.contentDigest}, the image is ${contentDigest}; the work starts again.`,
    );
  }
  return written;
}

/** A stream that broke because the image is wrong is the image's failure. */
async function failWithReason(
  { site, signal }: Context,
  image: OpenImage,
  thrown: unknown,
): Promise<never> {
  const enough = new AbortController();
  const why = await Promise.race([
    image.verified,
    site.clock.sleep(reasonMs, AbortSignal.any([signal, enough.signal])),
  ]);
  enough.abort();
  const isReason = why !== undefined && !why.ok && why.error.kind !== "aborted";
  if (isReason) fail(imageFailures[why.error.kind], why.error.message);
  throw thrown;
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
