// Rules about spec.image (upstream W14, W15).
import type { BareMetalHost, Image } from "../bare-metal-host.ts";
import { quote } from "../../result.ts";
import type { HostRule } from "./host-rule.ts";

const schemes = ["http", "https", "ftp", "gopher", "oci"];
const hexLengths: Readonly<Record<string, number>> = { md5: 32, sha256: 64, sha512: 128 };

function onImage(check: (image: Image) => string | undefined): HostRule["check"] {
  return ({ spec }: BareMetalHost) => (spec.image === undefined ? undefined : check(spec.image));
}

function schemeOf({ url }: Image): string {
  return URL.canParse(url) ? new URL(url).protocol.slice(0, -1) : "";
}

function needsChecksum(image: Image): boolean {
  return image.format !== "live-iso" && schemeOf(image) !== "oci";
}

function isUrl(checksum: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(checksum);
}

/** A digest in the spec can be judged at once; a URL only by the site. */
function digestProblem({ checksum = "", checksumType = "auto" }: Image): string | undefined {
  const digest = checksum.trim();
  if (digest === "" || isUrl(digest)) return undefined;
  const lengths =
    checksumType === "auto" ? Object.values(hexLengths) : [hexLengths[checksumType] ?? 0];
  if (/^[0-9a-fA-F]+$/.test(digest) && lengths.includes(digest.length)) return undefined;
  const expected = `${lengths.join(", ")} hex digits`;
  return `${quote(digest)} has ${digest.length} characters, and ${checksumType} takes ${expected} or the URL of a checksum file`;
}

export const imageRules: readonly HostRule[] = [
  {
    id: "image-url", // W14
    field: "spec.image.url",
    where: "both",
    check: onImage((image) => {
      const scheme = schemeOf(image);
      if (schemes.includes(scheme)) return undefined;
      return `${quote(image.url)} is not a URL with one of the schemes ${schemes.join(", ")}; set it, or remove spec.image to have nothing provisioned`;
    }),
    cel: {
      expression:
        "!has(object.spec.image) || object.spec.image.url.matches('^(http|https|ftp|gopher|oci)://.+')",
      message: "spec.image.url must be a URL with one of the schemes http, https, ftp, gopher, oci",
      value: "object.spec.image.url",
    },
  },
  {
    id: "image-url-credentials",
    field: "spec.image.url",
    where: "both",
    check: onImage(({ url }) => {
      if (!URL.canParse(url)) return undefined;
      const { username, password } = new URL(url);
      if (username === "" && password === "") return undefined;
      return "holds a user or password, which everybody who may read the host would see; serve the image without";
    }),
    cel: {
      expression: "!has(object.spec.image) || !object.spec.image.url.matches('^[^/]*//[^/]*@')",
      message: "spec.image.url must not hold a user or password",
    },
  },
  {
    id: "image-checksum", // W15
    field: "spec.image.checksum",
    where: "both",
    check: onImage((image) => {
      const isMissing = (image.checksum ?? "") === "";
      if (!needsChecksum(image) || !isMissing) return undefined;
      return "is missing; give the digest of the image, or the URL of a checksum file";
    }),
    cel: {
      expression:
        "!has(object.spec.image) || (has(object.spec.image.format) && object.spec.image.format == 'live-iso') || object.spec.image.url.startsWith('oci://') || (has(object.spec.image.checksum) && object.spec.image.checksum != '')",
      message: "spec.image.checksum is required, but for format live-iso and oci:// images",
    },
  },
  {
    id: "image-checksum-oci", // W15
    field: "spec.image.checksum",
    where: "both",
    check: onImage((image) =>
      schemeOf(image) === "oci" && (image.checksum ?? "") !== ""
        ? "must not be given for an oci:// image, whose digest names its content; remove it"
        : undefined,
    ),
    cel: {
      expression:
        "!has(object.spec.image) || !object.spec.image.url.startsWith('oci://') || !has(object.spec.image.checksum) || object.spec.image.checksum == ''",
      message: "spec.image.checksum must not be given for an oci:// image",
    },
  },
  {
    id: "image-checksum-form",
    field: "spec.image.checksum",
    where: "both",
    check: onImage((image) => (needsChecksum(image) ? digestProblem(image) : undefined)),
  },
];
