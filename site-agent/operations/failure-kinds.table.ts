// How the failures of the site's parts read as failures of an operation.
import type { OperationErrorKind } from "../../shared/protocol/operation.ts";
import type { StepFailure } from "../../shared/protocol/ramdisk.ts";
import type { BmcErrorKind } from "../bmc/port.ts";
import type { ImageErrorKind } from "../imaging/port.ts";

export const bmcFailures: Readonly<Record<BmcErrorKind, OperationErrorKind>> = {
  address: "bmc-address",
  unreachable: "bmc-unreachable",
  credentials: "bmc-credentials",
  "login-budget": "bmc-login-budget",
  privilege: "bmc-credentials",
  busy: "bmc-busy",
  unsupported: "bmc-refused",
  refused: "bmc-refused",
  "no-effect": "power-no-effect",
  cancelled: "cancelled",
  expired: "expired",
  fenced: "fenced",
};

export const imageFailures: Readonly<Record<ImageErrorKind, OperationErrorKind>> = {
  address: "image-address",
  "not-found": "image-not-found",
  unreachable: "image-unreachable",
  checksum: "image-checksum",
  changed: "image-checksum",
  format: "image-format",
  "no-space": "image-too-large",
  aborted: "cancelled",
};

export const stepFailures: Readonly<Record<StepFailure["kind"] | "lost", OperationErrorKind>> = {
  refused: "fenced",
  identity: "identity",
  "no-disk": "no-disk",
  "too-small": "image-too-large",
  stream: "stream",
  io: "disk",
  unsupported: "unsupported",
  cancelled: "cancelled",
  lost: "ramdisk-lost",
};
