// LISTEN and NOTIFY between the instances of one simulated fleet.
import type { Notifications } from "../../../control-plane/ports.ts";
import type { Kernel } from "../kernel/kernel.ts";

export function makeMemoryNotifications(kernel: Kernel): Notifications {
  const listeners = new Map<string, Set<(payload: string) => void>>();
  return {
    async listen(channel, onMessage, onReady) {
      const handles = listeners.get(channel) ?? new Set();
      listeners.set(channel, handles.add(onMessage));
      onReady();
      return async () => {
        handles.delete(onMessage);
      };
    },
    async notify(channel, payload) {
      for (const onMessage of listeners.get(channel) ?? []) {
        kernel.ordered(1, () => onMessage(payload));
      }
    },
  };
}
