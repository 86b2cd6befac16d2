// Follows the hosts with kubectl, tells their changes, and waits until they are where the story wants them.
import { z } from "zod";
import type { KubernetesHandle } from "../kubernetes/start-kubernetes.ts";
import type { Transcript } from "./transcript.ts";

const list = z.looseObject({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string() }),
      status: z
        .looseObject({
          errorMessage: z.string().optional(),
          provisioning: z.looseObject({ state: z.string() }).optional(),
          conditions: z
            .array(
              z.looseObject({
                type: z.string(),
                reason: z.string(),
                message: z.string(),
                status: z.string(),
              }),
            )
            .optional(),
        })
        .optional(),
    }),
  ),
});

export interface SeenHost {
  readonly name: string;
  readonly state: string;
  readonly error: string;
  /** The operation that runs, as its condition tells it; "" when none does. */
  readonly progress: string;
}

export async function seeHosts(
  kubernetes: KubernetesHandle,
  namespace: string,
): Promise<SeenHost[]> {
  const { stdout } = await kubernetes.kubectl([
    "get",
    "baremetalhosts",
    "-n",
    namespace,
    "-o",
    "json",
  ]);
  if (stdout === "") return [];
  return list.parse(JSON.parse(stdout)).items.map(({ metadata, status }) => {
    const operation = status?.conditions?.find((each) => each.type === "farrier.dev/Operation");
    return {
      name: metadata.name,
      state: status?.provisioning?.state ?? "",
      error: status?.errorMessage ?? "",
      progress: operation?.status === "True" ? `${operation.reason} ${operation.message}` : "",
    };
  });
}

export interface HostWatcher {
  /**
   * Waits until each named host is in its state ("" = gone). Throws when it takes too long, with what the hosts
   * say of themselves.
   */
  until(wanted: Readonly<Record<string, string>>, withinMs: number): Promise<void>;
}

export function watchHosts(
  kubernetes: KubernetesHandle,
  namespace: string,
  transcript: Transcript,
): HostWatcher {
  const told = new Map<string, string>();
  const tell = (hosts: readonly SeenHost[]) => {
    for (const { name, state, error } of hosts) {
      const words = error === "" ? state : `${state} — ${error}`;
      if (words === "" || told.get(name) === words) continue;
      told.set(name, words);
      transcript.say(`${name}: ${words}`);
    }
    const busy = hosts
      .filter((host) => host.progress !== "")
      .map((host) => `${host.name} ${host.progress}`);
    transcript.live(busy.join("  |  "));
  };
  return {
    async until(wanted, withinMs) {
      const end = Date.now() + withinMs;
      let hosts: SeenHost[] = [];
      while (Date.now() < end) {
        hosts = await seeHosts(kubernetes, namespace);
        tell(hosts);
        const states = new Map(hosts.map((host) => [host.name, host.state]));
        if (Object.entries(wanted).every(([name, state]) => (states.get(name) ?? "") === state)) {
          transcript.live("");
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 400));
      }
      transcript.live("");
      const said = hosts.map(
        (host) => `${host.name} is ${host.state} (${host.error || host.progress || "no word"})`,
      );
      throw new Error(
        `The hosts did not get where they should within ${withinMs / 1000} s: ${said.join("; ")}`,
      );
    },
  };
}
