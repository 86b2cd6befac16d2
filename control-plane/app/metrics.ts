// Counters and histograms of this instance, as Prometheus text (exposition format 0.0.4). Names and help are in
// metrics.table.ts; a name that is not there cannot be counted.
import { metricTable, type MetricName } from "./metrics.table.ts";

export type Labels = Readonly<Record<string, string>>;

export interface Metrics {
  count(name: MetricName, labels: Labels, by?: number): void;
  /** For histograms: one more value. */
  observe(name: MetricName, labels: Labels, value: number): void;
  /** A gauge is read when somebody looks. */
  gauge(name: MetricName, read: () => number): void;
  text(): string;
}

interface Histogram {
  readonly counts: number[];
  sum: number;
  total: number;
}

export function makeMetrics(): Metrics {
  const counters = new Map<string, number>();
  const histograms = new Map<string, Histogram>();
  const gauges = new Map<MetricName, () => number>();
  const key = (name: MetricName, labels: Labels) => `${name}${labelText(labels)}`;
  return {
    count(name, labels, by = 1) {
      const at = key(name, labels);
      counters.set(at, (counters.get(at) ?? 0) + by);
    },
    observe(name, labels, value) {
      const buckets = metricTable[name].buckets ?? [];
      const at = key(name, labels);
      const found = histograms.get(at) ?? { counts: buckets.map(() => 0), sum: 0, total: 0 };
      buckets.forEach((bound, index) => {
        if (value <= bound) found.counts[index] = (found.counts[index] ?? 0) + 1;
      });
      found.sum += value;
      found.total += 1;
      histograms.set(at, found);
    },
    gauge(name, read) {
      gauges.set(name, read);
    },
    text() {
      const lines: string[] = [];
      for (const [name, { help, type, buckets = [] }] of entries()) {
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
        const read = gauges.get(name);
        if (read !== undefined) lines.push(`${name} ${read()}`);
        for (const [at, value] of ofName(counters, name)) lines.push(`${at} ${value}`);
        for (const [at, value] of ofName(histograms, name)) {
          lines.push(...histogramLines(at, value, buckets));
        }
      }
      return `${lines.join("\n")}\n`;
    },
  };
}

function entries() {
  return Object.entries(metricTable) as [MetricName, (typeof metricTable)[MetricName]][];
}

function ofName<T>(map: ReadonlyMap<string, T>, name: string): [string, T][] {
  return [...map].filter(([at]) => at === name || at.startsWith(`${name}{`));
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `${name}="${escape(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function histogramLines(at: string, value: Histogram, buckets: readonly number[]): string[] {
  const brace = at.indexOf("{");
  const name = brace < 0 ? at : at.slice(0, brace);
  const labels = brace < 0 ? "" : at.slice(brace + 1, -1);
  const bucket = (bound: string, count: number) =>
    `${name}_bucket{${labels === "" ? "" : `${labels},`}le="${bound}"} ${count}`;
  const suffix = labels === "" ? "" : `{${labels}}`;
  return [
    ...buckets.map((bound, index) => bucket(String(bound), value.counts[index] ?? 0)),
    bucket("+Inf", value.total),
    `${name}_sum${suffix} ${value.sum}`,
    `${name}_count${suffix} ${value.total}`,
  ];
}
