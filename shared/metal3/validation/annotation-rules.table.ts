// Rules about annotations that are commands (upstream W16–W20). Refused where somebody types them; an unread
// one does not stop a host that works.
import { quote } from "../../result.ts";
import {
  hardwareDetailsAnnotation,
  inspectAnnotation,
  isRebootKey,
  parseJsonObject,
  statusAnnotation,
} from "../annotations.ts";
import { bareMetalHostStatus, type BareMetalHost } from "../bare-metal-host.ts";
import { hardwareDetails } from "../hardware-details.ts";
import type { HostRule } from "./host-rule.ts";

function annotation(host: BareMetalHost, name: string): string {
  return host.metadata.annotations?.[name] ?? "";
}

function rebootProblem(value: string): string | undefined {
  if (value === "") return undefined;
  const fields = parseJsonObject(value);
  if (fields === undefined)
    return `${quote(value)} is not JSON; use "" or {"mode":"soft"} or {"mode":"hard"}`;
  const { mode = "", force = false } = fields;
  if (mode !== "" && mode !== "soft" && mode !== "hard") {
    return `mode ${quote(mode)} is neither "soft" nor "hard"`;
  }
  return typeof force === "boolean" ? undefined : `force ${quote(force)} is neither true nor false`;
}

function statusProblem(text: string): string | undefined {
  if (text === "") return undefined;
  const value = parseJsonObject(text);
  if (value === undefined) return "is not a JSON object; correct or remove it";
  const unknown = Object.keys(value).find((key) => !(key in bareMetalHostStatus.shape));
  if (unknown !== undefined) return `has the unknown field ${quote(unknown)}; remove it`;
  const parsed = bareMetalHostStatus.safeParse(value);
  const [issue] = parsed.error?.issues ?? [];
  return issue === undefined ? undefined : `${issue.path.join(".")}: ${issue.message}`;
}

function hardwareProblem(host: BareMetalHost): string | undefined {
  const text = annotation(host, hardwareDetailsAnnotation);
  if (text === "") return undefined;
  const isDisabled =
    host.spec.inspectionMode === "disabled" || annotation(host, inspectAnnotation) === "disabled";
  if (!isDisabled)
    return "is taken only when inspection is disabled; set spec.inspectionMode to disabled";
  const value = parseJsonObject(text);
  if (value === undefined) return "is not a JSON object; correct or remove it";
  const unknown = Object.keys(value).find((key) => !(key in hardwareDetails.shape));
  if (unknown !== undefined) return `has the unknown field ${quote(unknown)}; remove it`;
  const [issue] = hardwareDetails.safeParse(value).error?.issues ?? [];
  return issue === undefined ? undefined : `${issue.path.join(".")}: ${issue.message}`;
}

export const annotationRules: readonly HostRule[] = [
  {
    id: "status-annotation", // W16
    field: `metadata.annotations[${statusAnnotation}]`,
    where: "admission",
    check: (host) => statusProblem(annotation(host, statusAnnotation)),
  },
  {
    id: "reboot-annotation", // W17
    field: "metadata.annotations[reboot.metal3.io]",
    where: "admission",
    check: ({ metadata }) => {
      for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
        const problem = isRebootKey(key) ? rebootProblem(value) : undefined;
        if (problem !== undefined) return `${key}: ${problem}`;
      }
      return undefined;
    },
  },
  {
    id: "inspect-annotation", // W18
    field: `metadata.annotations[${inspectAnnotation}]`,
    where: "admission",
    check: (host) => {
      const value = annotation(host, inspectAnnotation);
      return value === "" || value === "disabled"
        ? undefined
        : `${quote(value)} is neither "" (inspect again) nor "disabled"`;
    },
    cel: {
      expression:
        "!has(object.metadata.annotations) || !('inspect.metal3.io' in object.metadata.annotations) || object.metadata.annotations['inspect.metal3.io'] in ['', 'disabled']",
      message: "annotation inspect.metal3.io must be empty or disabled",
    },
  },
  {
    id: "hardware-annotation", // W19
    field: `metadata.annotations[${hardwareDetailsAnnotation}]`,
    where: "admission",
    check: hardwareProblem,
  },
  {
    id: "inspection-contradiction", // W20
    field: "spec.inspectionMode",
    where: "admission",
    check: (host) => {
      const value = annotation(host, inspectAnnotation);
      const mode = host.spec.inspectionMode;
      if (value === "" || mode === undefined || (value === "disabled") === (mode === "disabled")) {
        return undefined;
      }
      return `${quote(mode)} contradicts annotation ${inspectAnnotation}: ${quote(value)}; change one of them`;
    },
  },
];
