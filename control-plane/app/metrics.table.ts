// All metrics. The metal3_ names, labels and buckets are upstream's (metal3-io/baremetal-operator,
// internal/controller/metal3.io/metrics.go), so that dashboards keep working; farrier_ names are ours.

interface Metric {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly buckets?: readonly number[];
}

const quick = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const slow = [30, 90, 180, 360, 720, 1440];

const table = {
  metal3_reconcile_total: { type: "counter", help: "Decisions made, by host" },
  metal3_reconcile_error_total: { type: "counter", help: "Decisions that could not be made" },
  metal3_host_error_total: { type: "counter", help: "Errors that hosts got, by type" },
  metal3_provisioning_state_change_total: { type: "counter", help: "Changes of hosts' state" },
  metal3_operation_power_change_total: { type: "counter", help: "Power actions ordered" },
  metal3_operation_register_duration_seconds: {
    type: "histogram",
    help: "Time that registering took",
    buckets: quick,
  },
  metal3_operation_inspect_duration_seconds: {
    type: "histogram",
    help: "Time that inspecting took",
    buckets: slow,
  },
  metal3_operation_provision_duration_seconds: {
    type: "histogram",
    help: "Time that provisioning took",
    buckets: slow,
  },
  metal3_operation_deprovision_duration_seconds: {
    type: "histogram",
    help: "Time that deprovisioning took",
    buckets: slow,
  },
  farrier_decision_seconds: {
    type: "histogram",
    help: "Time from reading a host to its committed decision",
    buckets: quick,
  },
  farrier_machine_decisions_total: {
    type: "counter",
    help: "Decisions about Metal3Machines and Metal3Clusters, by reason",
  },
  farrier_host_claims_total: { type: "counter", help: "Tries to claim a host, by outcome" },
  farrier_links_open: { type: "gauge", help: "Open link sessions of this instance" },
  farrier_bus_polling: {
    type: "gauge",
    help: "1 when notifications do not arrive and the database is polled every second",
  },
  farrier_sessions_total: { type: "counter", help: "Link sessions by how they were answered" },
  farrier_epoch_regressions_total: {
    type: "counter",
    help: "Agents that had heard more than the database knew: it went back in time",
  },
  farrier_frames_refused_total: { type: "counter", help: "Frames that were not understood" },
  farrier_observations_total: { type: "counter", help: "Observations taken in" },
  farrier_observations_refused_total: {
    type: "counter",
    help: "Observations about hosts or operations of another site, or unknown ones",
  },
  farrier_strangers_total: { type: "counter", help: "Boot requests of machines that are no hosts" },
  farrier_feed_objects_total: { type: "counter", help: "Objects posted by cluster links" },
  farrier_feed_conflicts_total: { type: "counter", help: "Feed batches not from the cursor" },
  farrier_writes_failed_total: {
    type: "counter",
    help: "Write-backs that a cluster link could not do, by whether they are tried again",
  },
  farrier_admission_total: { type: "counter", help: "Admission reviews by answer" },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof table;
export const metricTable: Readonly<Record<MetricName, Metric>> = table;
