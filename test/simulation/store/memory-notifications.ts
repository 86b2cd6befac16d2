// LISTEN and NOTIFY between the instances of one simulated fleet. A notification reaches every listener of its
// channel, the sender too, each through a delivery of its own.
import type { Notifications } from "../../../control-plane/ports.ts";

/** @param deliver brings one message to one listener: at once or later */
export function makeMemoryNotifications(deliver: (run: () => void) => void): Notifications {
  const listeners = new Map<string, Set<(payload: string) => void>>();
  return {
    async listen(channel, onMessage, onReady) {
      const hears = listeners.get(channel) ?? new Set();
      listeners.set(channel, hears);
      // Two listeners may share a function.
      const listener = (payload: string) => onMessage(payload);
      hears.add(listener);
      onReady();
      return async () => {
        hears.delete(listener);
      };
    },
    async notify(channel, payload) {
      const hears = listeners.get(channel) ?? new Set();
      for (const listener of hears) {
        deliver(() => {
          if (hears.has(listener)) listener(payload);
        });
      }
    },
  };
}
