import { expect, test } from "vitest";
import { makeMetrics } from "./metrics.ts";

test("text writes counters with sorted and escaped labels when they were counted", () => {
  const metrics = makeMetrics();
  metrics.count("metal3_reconcile_total", { namespace: "metal", host: 'a"\\\n' });
  metrics.count("metal3_reconcile_total", { host: 'a"\\\n', namespace: "metal" }, 2);
  expect(metrics.text()).toContain(
    'metal3_reconcile_total{host="a\\"\\\\\\n",namespace="metal"} 3\n',
  );
});

test("text writes cumulative buckets, sum and count when values were observed", () => {
  const metrics = makeMetrics();
  for (const seconds of [10, 60, 5_000]) {
    metrics.observe("metal3_operation_inspect_duration_seconds", { host: "a" }, seconds);
  }
  const lines = metrics
    .text()
    .split("\n")
    .filter((line) => line.startsWith("metal3_operation_inspect"));
  const name = "metal3_operation_inspect_duration_seconds";
  expect(lines).toEqual([
    `${name}_bucket{host="a",le="30"} 1`,
    `${name}_bucket{host="a",le="90"} 2`,
    `${name}_bucket{host="a",le="180"} 2`,
    `${name}_bucket{host="a",le="360"} 2`,
    `${name}_bucket{host="a",le="720"} 2`,
    `${name}_bucket{host="a",le="1440"} 2`,
    `${name}_bucket{host="a",le="+Inf"} 3`,
    `${name}_sum{host="a"} 5070`,
    `${name}_count{host="a"} 3`,
  ]);
});

test("text reads a gauge when it is asked", () => {
  const metrics = makeMetrics();
  let open = 1;
  metrics.gauge("farrier_links_open", () => open);
  open = 7;
  expect(metrics.text()).toContain("# TYPE farrier_links_open gauge\nfarrier_links_open 7\n");
});
