// One machine of the admin API as one line for people: its host, and what it waits for since when.
import { z } from "zod";

const listedMachine = z.looseObject({
  cluster: z.string(),
  resource: z.string(),
  namespace: z.string(),
  name: z.string(),
  isDeleting: z.boolean(),
  host: z
    .looseObject({
      name: z.string(),
      state: z.string().nullable(),
      operation: z.string().nullable(),
    })
    .nullable(),
  unmet: z.array(
    z.looseObject({ reason: z.string(), message: z.string(), lastTransitionTime: z.string() }),
  ),
});
type Host = NonNullable<z.infer<typeof listedMachine>["host"]>;

export function machineLine(row: unknown): string {
  const { cluster, resource, namespace, name, isDeleting, host, unmet } = listedMachine.parse(row);
  const waits = unmet.map(
    ({ reason, message, lastTransitionTime }) =>
      `! ${reason} since ${lastTransitionTime}${message === "" ? "" : `: ${message}`}`,
  );
  const kind = resource === "metal3machines" ? [] : [resource];
  return [
    `${cluster} ${namespace}/${name}`,
    ...kind,
    host === null ? "no host" : hostText(host),
    ...(isDeleting ? ["deleting"] : []),
    ...new Set(waits),
  ].join("  ");
}

function hostText({ name, state, operation }: Host): string {
  const isDone = state === "provisioned" || operation === null || operation === "";
  return `host ${name}, ${state === null || state === "" ? "new" : state}${isDone ? "" : `: ${operation}`}`;
}
