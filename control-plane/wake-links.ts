// Tells the links of rows that were put into the outbox: at once, or, where nobody's work waits for them, soon, with others.
import type { WriteBack } from "../shared/protocol/write-back.ts";
import type { Bus, OutboxRow } from "./ports.ts";

const telling: ReadonlySet<WriteBack["kind"]> = new Set([
  "status",
  "provider-status",
  "event",
  "label-secret",
]);

/** @param isAwaited whether work waits until the status is shown */
export function wakeLinks(
  bus: Pick<Bus, "notify">,
  outbox: readonly OutboxRow[],
  isAwaited = false,
): void {
  const isPressing = ({ delivery }: OutboxRow): boolean =>
    isAwaited || delivery.kind !== "write" || !telling.has(delivery.write.kind);
  const now = new Set(outbox.filter(isPressing).map(({ link }) => link));
  const soon = new Set(outbox.map(({ link }) => link).filter((link) => !now.has(link)));
  if (now.size > 0) bus.notify([...now]);
  if (soon.size > 0) bus.notify([...soon], "soon");
}
