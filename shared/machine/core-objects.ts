// The objects of cluster-api core (cluster.x-k8s.io/v1beta2) as far as a provider of machines reads them. They are
// core's: a field that Farrier does not know is not its business, so nothing is refused here.
import { z } from "zod";
import { condition } from "../metal3/condition.ts";
import { objectMeta } from "../metal3/object-meta.ts";

/** Of v1beta2: no namespace, no version. */
const contractReference = z.looseObject({ kind: z.string(), name: z.string() });

const conditionList = z.array(condition.partial().extend({ type: z.string() })).optional();
const deprecatedConditions = z
  .looseObject({
    v1beta1: z
      .looseObject({
        conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).optional(),
      })
      .optional(),
  })
  .optional();

/** Machine: what MachineSets make, and what a Metal3Machine is the infrastructure of. */
export const coreMachine = z.looseObject({
  metadata: objectMeta,
  spec: z.looseObject({
    clusterName: z.string(),
    bootstrap: z
      .looseObject({
        dataSecretName: z.string().optional(),
        configRef: contractReference.optional(),
      })
      .default({}),
    failureDomain: z.string().optional(),
    providerID: z.string().optional(),
  }),
  status: z
    .looseObject({
      nodeRef: z.looseObject({ name: z.string() }).optional(),
      conditions: conditionList,
      deprecated: deprecatedConditions,
    })
    .optional(),
});
export type CoreMachine = z.infer<typeof coreMachine>;

/** Cluster: the workload cluster that Machines belong to; not what Farrier calls a cluster. */
export const coreCluster = z.looseObject({
  metadata: objectMeta,
  spec: z.looseObject({
    paused: z.boolean().optional(),
    infrastructureRef: contractReference.optional(),
  }),
  status: z
    .looseObject({
      initialization: z
        .looseObject({ infrastructureProvisioned: z.boolean().optional() })
        .optional(),
      conditions: conditionList,
      deprecated: deprecatedConditions,
    })
    .optional(),
});
export type CoreCluster = z.infer<typeof coreCluster>;
