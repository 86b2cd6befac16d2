// Frames of one agent that wait to be handled. What comes behind one that waits, and tells more of the same, is handled
// with it: one statement instead of many, the more the busier the database is.
import type { FromAgent } from "../../../shared/protocol/frames.ts";

type Ack = Extract<FromAgent, { type: "ack" }>;
type Observations = Extract<FromAgent, { type: "observations" }>;

/** Of deliveries or observations. */
const most = 100;

export class WaitingFrames {
  /** The last that waits, of each kind. */
  private ack: Ack | undefined;
  private observations: Observations | undefined;

  /** Whether the frame is handled with one that waits; otherwise it waits for itself. */
  joins(frame: FromAgent): boolean {
    if (frame.type === "ack") return this.joinsAck(frame);
    return frame.type === "observations" && this.joinsObservations(frame);
  }

  /** Nothing joins it any more. */
  begins(frame: FromAgent): void {
    if (frame === this.ack) this.ack = undefined;
    if (frame === this.observations) this.observations = undefined;
  }

  private joinsAck(frame: Ack): boolean {
    const { ack } = this;
    if (ack?.epoch !== frame.epoch || sizeOf(ack) + sizeOf(frame) > most) {
      this.ack = frame;
      return false;
    }
    ack.done.push(...frame.done);
    ack.failed.push(...frame.failed);
    return true;
  }

  /** One that does not follow is judged for itself. */
  private joinsObservations(frame: Observations): boolean {
    const { observations } = this;
    const last = observations?.items.at(-1);
    const follows = last !== undefined && frame.items[0]?.seq === last.seq + 1;
    const size = (observations?.items.length ?? 0) + frame.items.length;
    if (observations?.epoch !== frame.epoch || !follows || size > most) {
      this.observations = frame;
      return false;
    }
    observations.items.push(...frame.items);
    return true;
  }
}

function sizeOf({ done, failed }: Ack): number {
  return done.length + failed.length;
}
