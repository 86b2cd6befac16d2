// How a hello was answered, for the log and the metrics. Decides nothing.
import type { Hello } from "../../shared/protocol/frames.ts";
import type { Metrics } from "../app/metrics.ts";
import type { Clock, Log, OpenedSession } from "../ports.ts";

interface TellDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export function tellOpened(deps: TellDeps, hello: Hello, opened: OpenedSession): void {
  const { site, cluster, epoch, resync } = opened;
  const about = { agent: hello.agentId, site, cluster, epoch };
  if (opened.regressed) {
    deps.metrics.count("farrier_epoch_regressions_total", {});
    deps.log.error("EpochRegression: this database went back in time", {
      ...about,
      heardEpoch: hello.heard?.epoch,
      heardTurn: hello.heard?.turn,
      hosts: opened.touched.length,
      hint: "the hosts are taken over anew from Kubernetes and their sites; nothing needs to be done",
    });
  }
  deps.metrics.count("farrier_sessions_total", { answer: "welcome" });
  deps.log.info("session open", {
    ...about,
    resync,
    programVersion: hello.programVersion.slice(0, 64),
    clockSkewMs: Math.round(hello.wallClockMs - deps.clock.nowMs()),
  });
}

export function tellRefused(
  { log, metrics }: TellDeps,
  agent: string,
  { code, reason }: { readonly code: number; readonly reason: string },
): void {
  const isAlarm = reason === "cloned" || reason === "signature";
  const fields = { agent: agent.slice(0, 64), reason, code };
  if (isAlarm) log.error("session refused", fields);
  else log.warn("session refused", fields);
  metrics.count("farrier_sessions_total", { answer: reason });
}
