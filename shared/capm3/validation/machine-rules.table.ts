// Rules about the spec of a Metal3Machine, and of what is made from a Metal3MachineTemplate. With a customDeploy the
// image is not looked at, as upstream does not.
import { quote } from "../../result.ts";
import type { MachineImage, Metal3MachineSpec } from "../v1beta2/metal3-machine.ts";
import type { ProviderRule } from "./provider-rule.ts";

type MachineRule = ProviderRule<Metal3MachineSpec>;

function isOci({ url }: MachineImage): boolean {
  return url.startsWith("oci://");
}

function onImage(check: (image: MachineImage) => string | undefined): MachineRule["check"] {
  return ({ image, customDeploy }) =>
    image === undefined || customDeploy !== undefined ? undefined : check(image);
}

/** `expression` where it is looked at; IMAGE stands for the image. */
function celOnImage(expression: string): string {
  const image = expression.replaceAll("IMAGE", "SPEC.image");
  return `has(SPEC.customDeploy) || !has(SPEC.image) || ${image}`;
}

const isOciCel = "IMAGE.url.startsWith('oci://')";

function ownNamespace(
  field: "userData" | "metaData" | "networkData" | "dataTemplate",
): MachineRule {
  return {
    id: `${field.toLowerCase()}-namespace`, // M12
    field: `${field}.namespace`,
    check: (spec, own) => {
      const namespace = spec[field]?.namespace ?? "";
      if (namespace === "" || namespace === own) return undefined;
      return `Forbidden: ${quote(namespace)} is not the object's own namespace ${quote(own)}; put what it names there, and remove this field`;
    },
    cel: {
      expression: `!has(SPEC.${field}) || !has(SPEC.${field}.namespace) || SPEC.${field}.namespace == '' || SPEC.${field}.namespace == object.metadata.namespace`,
      message: `${field}.namespace must be the namespace of the object`,
      value: `SPEC.${field}.namespace`,
    },
  };
}

export const machineRules: readonly MachineRule[] = [
  {
    id: "image-or-custom-deploy", // M11
    field: "image",
    check: ({ image, customDeploy }) =>
      image === undefined && customDeploy === undefined
        ? "is required, or customDeploy; give one of them"
        : undefined,
    cel: {
      expression: "has(SPEC.image) || has(SPEC.customDeploy)",
      message: "image or customDeploy is required",
      needsSpec: true,
    },
  },
  {
    id: "image-checksum", // M09
    field: "image.checksum",
    check: onImage((image) => {
      const isNeeded = image.diskFormat !== "live-iso" && !isOci(image);
      return isNeeded && (image.checksum ?? "") === ""
        ? "is missing; give the digest of the image, or the URL of a checksum file"
        : undefined;
    }),
    cel: {
      expression: celOnImage(
        `(has(IMAGE.diskFormat) && IMAGE.diskFormat == 'live-iso') || ${isOciCel} || (has(IMAGE.checksum) && IMAGE.checksum != '')`,
      ),
      message: "image.checksum is required, but for diskFormat live-iso and oci:// images",
    },
  },
  {
    id: "image-checksum-url", // M09
    field: "image.checksum",
    check: onImage(({ checksum = "", diskFormat }) =>
      diskFormat !== "live-iso" && /^https?:\/\//.test(checksum) && !URL.canParse(checksum)
        ? `${quote(checksum)} is not a URL; correct it, or give the digest itself`
        : undefined,
    ),
    cel: {
      expression: celOnImage(
        "!has(IMAGE.checksum) || !IMAGE.checksum.matches('^https?://') || isURL(IMAGE.checksum) || (has(IMAGE.diskFormat) && IMAGE.diskFormat == 'live-iso')",
      ),
      message: "image.checksum must be a URL or a digest",
      value: "SPEC.image.checksum",
    },
  },
  {
    id: "image-checksum-oci", // M10
    field: "image.checksum",
    check: onImage((image) =>
      isOci(image) && (image.checksum ?? "") !== ""
        ? "must not be given for an oci:// image, whose digest names its content; remove it"
        : undefined,
    ),
    cel: {
      expression: celOnImage(`!${isOciCel} || !has(IMAGE.checksum) || IMAGE.checksum == ''`),
      message: "image.checksum must not be given for an oci:// image",
    },
  },
  {
    id: "image-checksum-type-oci", // M10
    field: "image.checksumType",
    check: onImage((image) =>
      isOci(image) && image.checksumType !== undefined
        ? "must not be given for an oci:// image; remove it"
        : undefined,
    ),
    cel: {
      expression: celOnImage(`!${isOciCel} || !has(IMAGE.checksumType)`),
      message: "image.checksumType must not be given for an oci:// image",
    },
  },
  ownNamespace("userData"), // M12
  ownNamespace("metaData"),
  ownNamespace("networkData"),
  ownNamespace("dataTemplate"),
];
