// A Secret's content sealed to a site's key (HPKE, RFC 9180: X25519, HKDF-SHA256, AES-256-GCM) by the cluster
// link, opened by the agent only. The associated data binds it to its place: a row swapped in the database
// does not open.
import { z } from "zod";

export const secretPurpose = z.enum([
  "bmc",
  "userData",
  "networkData",
  "metaData",
  "preprovisioningNetworkData",
]);
export type SecretPurpose = z.infer<typeof secretPurpose>;

/** What the sealed text is bound to. `bmcAddress` is "" for every purpose but "bmc". */
export const sealingContext = z.object({
  cluster: z.string(),
  site: z.string(),
  hostUid: z.string(),
  purpose: secretPurpose,
  secretUid: z.string(),
  secretVersion: z.string(),
  bmcAddress: z.string(),
});
export type SealingContext = z.infer<typeof sealingContext>;

export const sealedSecret = z.object({
  v: z.literal(1),
  /** SHA-256 of the recipient's raw X25519 public key, hex. */
  keyFingerprint: z.string(),
  /** base64 */
  enc: z.string(),
  ciphertext: z.string(),
  context: sealingContext,
});
export type SealedSecret = z.infer<typeof sealedSecret>;

/** The associated data: the context as JSON with fields in the order of the schema. */
export function sealingAad(context: SealingContext): Uint8Array<ArrayBuffer> {
  const { cluster, site, hostUid, purpose, secretUid, secretVersion, bmcAddress } = context;
  return new TextEncoder().encode(
    JSON.stringify([
      "farrier-secret/v1",
      cluster,
      site,
      hostUid,
      purpose,
      secretUid,
      secretVersion,
      bmcAddress,
    ]),
  );
}
