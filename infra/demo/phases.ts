// The times of the story's phases, for the table at the end.
import { formatDuration } from "../preparation/progress.ts";

export interface Phases {
  time<T>(name: string, work: () => Promise<T>): Promise<T>;
  table(): string;
}

export function makePhases(): Phases {
  const rows: { name: string; ms: number }[] = [];
  return {
    async time(name, work) {
      const startedAtMs = Date.now();
      try {
        return await work();
      } finally {
        rows.push({ name, ms: Date.now() - startedAtMs });
      }
    },
    table() {
      const width = Math.max(...rows.map((row) => row.name.length));
      const total = rows.reduce((sum, row) => sum + row.ms, 0);
      const line = (name: string, ms: number) =>
        `  ${name.padEnd(width)}  ${formatDuration(ms).padStart(12)}`;
      return [...rows.map((row) => line(row.name, row.ms)), line("in all", total)].join("\n");
    },
  };
}
