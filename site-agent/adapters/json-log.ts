// The Log port as JSON lines on standard error: constant message, typed fields.
import type { Log, LogFields } from "../ports.ts";

export function makeJsonLog(
  write: (line: string) => void = (line) => process.stderr.write(line),
): Log {
  const log =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
  return { info: log("info"), warn: log("warn"), error: log("error") };
}
