// Deliveries of one session that are done, or moot. What comes twice is answered twice and done once. Of the statuses of
// one object the newest counts: one that comes after a newer one could undo it, and one that still waits while a newer
// one of the same state has come need not be written first.
import type { DeliveryItem } from "../read-frame.ts";

const maxRemembered = 1_000;

interface Status {
  readonly id: string;
  readonly object: string;
  /** Work may wait until a state is shown: each is. */
  readonly state: string;
}

export class DoneDeliveries {
  private readonly ids = new Set<string>();
  /** Of the newest status that was written, by its object. */
  private readonly written = new Map<string, string>();
  /** The newest status that has come, by its object. */
  private readonly heard = new Map<string, Status>();

  /** It has come, and waits for its turn. */
  hear(item: DeliveryItem): void {
    const status = statusOf(item);
    if (status === undefined) return;
    const newest = this.heard.get(status.object);
    if (newest === undefined || isLower(newest.id, status.id))
      this.heard.set(status.object, status);
  }

  has(item: DeliveryItem): boolean {
    return this.ids.has(item.id) || this.isMoot(statusOf(item));
  }

  private isMoot(status: Status | undefined): boolean {
    if (status === undefined) return false;
    const written = this.written.get(status.object);
    if (written !== undefined && isLower(status.id, written)) return true;
    const newest = this.heard.get(status.object);
    return newest?.state === status.state && isLower(status.id, newest.id);
  }

  /** It was written, if it was not moot. */
  add(item: DeliveryItem): void {
    const status = statusOf(item);
    if (status !== undefined && !this.isMoot(status)) this.written.set(status.object, status.id);
    this.ids.add(item.id);
    const [oldest] = this.ids;
    if (this.ids.size > maxRemembered && oldest !== undefined) this.ids.delete(oldest);
  }
}

function statusOf({ id, delivery }: DeliveryItem): Status | undefined {
  if (delivery.kind !== "write") return undefined;
  const { write } = delivery;
  const object = `${write.kind} ${write.uid}`;
  if (write.kind === "provider-status") return { id, object, state: "" };
  return write.kind === "status"
    ? { id, object, state: write.status.provisioning.state }
    : undefined;
}

/** The control plane counts its deliveries up, in decimal. */
function isLower(id: string, than: string): boolean {
  return id.length < than.length || (id.length === than.length && id < than);
}
