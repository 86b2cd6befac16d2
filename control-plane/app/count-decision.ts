// What a committed decision counts as.
import type { Decision } from "../../shared/host/decision.ts";
import type { HostRows } from "../ports.ts";
import type { Metrics } from "./metrics.ts";
import type { MetricName } from "./metrics.table.ts";

/** operationHistory entries and the histogram of how long each took. */
const durations = {
  register: "metal3_operation_register_duration_seconds",
  inspect: "metal3_operation_inspect_duration_seconds",
  provision: "metal3_operation_provision_duration_seconds",
  deprovision: "metal3_operation_deprovision_duration_seconds",
} as const satisfies Record<string, MetricName>;

export function countDecision(metrics: Metrics, rows: HostRows, decision: Decision): void {
  const labels = { namespace: rows.host.namespace, host: rows.host.name };
  const before = rows.host.memory?.status;
  const after = decision.memory.status;
  metrics.count("metal3_reconcile_total", labels);
  countStateChange(metrics, before?.provisioning.state ?? "", after.provisioning.state);
  const isNewError = after.errorCount > (before?.errorCount ?? 0);
  if (isNewError) {
    metrics.count("metal3_host_error_total", { error_type: after.errorType ?? "" });
  }
  const payload = decision.command?.payload;
  if (payload?.kind === "power") {
    metrics.count("metal3_operation_power_change_total", { ...labels, on_off: payload.want });
  }
  // What ended before this database knew the host is not news.
  if (before !== undefined) countDurations(metrics, labels, { before, after });
}

function countStateChange(metrics: Metrics, left: string, entered: string): void {
  if (left === entered) return;
  const labels = { prev_state: left, new_state: entered };
  metrics.count("metal3_provisioning_state_change_total", labels);
}

type Status = Decision["memory"]["status"];

function countDurations(
  metrics: Metrics,
  labels: { namespace: string; host: string },
  { before, after }: { readonly before: Status; readonly after: Status },
): void {
  for (const [name, metric] of Object.entries(durations)) {
    const kind = name as keyof typeof durations;
    const { start, end } = after.operationHistory?.[kind] ?? {};
    const ended = typeof end === "string" && end !== before.operationHistory?.[kind]?.end;
    if (!ended || typeof start !== "string") continue;
    metrics.observe(metric, labels, (Date.parse(end) - Date.parse(start)) / 1000);
  }
}
