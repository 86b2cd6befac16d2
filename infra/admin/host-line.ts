// One host of the admin API as one line for people: where it is, what it does, how far, and what is wrong.
import { z } from "zod";

const listedHost = z.looseObject({
  namespace: z.string(),
  name: z.string(),
  cluster: z.string(),
  site: z.string().nullable(),
  state: z.string().nullable(),
  errorMessage: z.string().nullable(),
  poweredOn: z.boolean().nullable(),
  operation: z
    .looseObject({
      kind: z.string(),
      state: z.string(),
      attempt: z.number(),
      progress: z
        .looseObject({
          step: z.string(),
          doneBytes: z.number().optional(),
          totalBytes: z.number().optional(),
          bytesPerSecond: z.number().optional(),
        })
        .optional(),
    })
    .nullable(),
});
type Operation = NonNullable<z.infer<typeof listedHost>["operation"]>;

export function hostLine(row: unknown): string {
  const host = listedHost.parse(row);
  const power = host.poweredOn === null ? "power unknown" : host.poweredOn ? "on" : "off";
  const parts = [
    `${host.cluster} ${host.namespace}/${host.name}`,
    host.site === null ? "no site" : `site ${host.site}`,
    host.state === null || host.state === "" ? "new" : host.state,
    power,
    ...(isRunning(host.operation) ? [operationText(host.operation)] : []),
    ...(host.errorMessage === null || host.errorMessage === "" ? [] : [`! ${host.errorMessage}`]),
  ];
  return parts.join("  ");
}

function isRunning(operation: Operation | null): operation is Operation {
  return operation !== null && operation.state !== "succeeded" && operation.state !== "failed";
}

function operationText({ kind, state, attempt, progress }: Operation): string {
  const again = attempt > 1 ? ` (attempt ${attempt})` : "";
  if (progress === undefined) return `${kind} ${state}${again}`;
  const { step, doneBytes, totalBytes, bytesPerSecond } = progress;
  const share =
    doneBytes === undefined || totalBytes === undefined || totalBytes === 0
      ? ""
      : ` ${Math.floor((100 * doneBytes) / totalBytes)} %`;
  const speed =
    bytesPerSecond === undefined ? "" : `, ${(bytesPerSecond / 1024 ** 2).toFixed(1)} MiB/s`;
  return `${kind} ${step}${share}${speed}${again}`;
}
