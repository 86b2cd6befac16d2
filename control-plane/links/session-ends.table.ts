// How a session ends that is not opened, or not renewed: code and reason of the WebSocket.
import { closeCode } from "../../shared/protocol/frames.ts";
import type { OpeningError } from "../ports.ts";

export const refusalCodes: Readonly<Record<OpeningError, number>> = {
  standby: closeCode.goingAway,
  cloned: closeCode.unauthorized,
  superseded: closeCode.superseded,
  occupied: closeCode.superseded,
};

export const renewalEnds = {
  fenced: [closeCode.superseded, "a newer session is open"],
  revoked: [closeCode.revoked, "this agent may not act any more"],
  lost: [closeCode.goingAway, "another agent took over"],
} as const;
