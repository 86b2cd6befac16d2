// A worker process of the crash matrix: plays the operations that it is given.
import { playOperation } from "./play-operation.ts";
import type { Place } from "./play-operation.ts";

process.on("message", (place: Place) => {
  void playOperation(place).then((played) => process.send?.(played));
});
process.once("disconnect", () => process.exit(0));
