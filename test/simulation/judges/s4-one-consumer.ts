// S4: who uses a host is changed by its users, one after the other. Farrier is the hand of one kind of them: it gives a
// host to a Metal3Machine that there is, and takes it back when that is deleted and has nothing on it any more.
import type { KubernetesObject } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { consumerOf, specOf, stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { isDeleting, machineOf } from "./machine-of.ts";

/** Something of the last user may be on it, or is on its way. */
const inUse = ["preparing", "provisioning", "provisioned", "deprovisioning"];

export const s4: JudgeKind = {
  id: "S4",
  says: "a host's consumer goes before another comes; Farrier gives hosts to Metal3Machines only, and takes back what they have given back",
  make: (report) => ({
    on: {
      object({ before, after, by, verb, path, cluster }, truth) {
        if (after.kind !== "BareMetalHost" || verb === "gone") return;
        const [was, is] = [consumerOf(before), consumerOf(after)];
        if (was === is) return;
        const change = `${was ?? "nobody"} → ${is ?? "nobody"}`;
        if (was !== undefined && is !== undefined) report(`the host was taken: ${change}`, path);
        else if (by === "farrier") {
          const problem =
            is === undefined
              ? wrongRelease(truth, cluster, { before, after })
              : wrongClaim(truth, cluster, after);
          if (problem !== undefined) report(`${problem}: ${change}`, path);
        }
      },
    },
  }),
};

function wrongClaim(truth: Truth, cluster: string, host: KubernetesObject): string | undefined {
  return machineOf(truth, cluster, host) === undefined
    ? "Farrier gave the host to what is no Metal3Machine"
    : undefined;
}

function wrongRelease(
  truth: Truth,
  cluster: string,
  {
    before,
    after,
  }: { readonly before: KubernetesObject | undefined; readonly after: KubernetesObject },
): string | undefined {
  const machine = machineOf(truth, cluster, before);
  if (machine === undefined) return "Farrier took the host from another's consumer";
  // A host that is deleted under its machine cannot be waited for.
  if (isDeleting(after)) return undefined;
  const { image, customDeploy } = specOf(after);
  const isGivenBack = (image ?? customDeploy ?? undefined) === undefined;
  if (isGivenBack && !inUse.includes(stateOf(after))) return undefined;
  return `Farrier took the host from its machine while it is ${stateOf(after)}`;
}
