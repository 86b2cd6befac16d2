// The statuses between v1beta1 and v1beta2: each version keeps the other's conditions under a name of its own,
// and `ready` became initialization.provisioned.
import { z } from "zod";
import { domainList, domainMap, toDomainList, toDomainMap } from "./failure-domains.ts";
import { compact, compactOrNone } from "../../json.ts";
import { toNameOnly } from "./machine-spec.ts";

const text = z.string().nullish();
const list = z.array(z.unknown()).nullish();

const v1beta1Status = z.looseObject({
  conditions: list,
  failureMessage: text,
  failureReason: text,
  ready: z.boolean().nullish(),
  v1beta2: z.looseObject({ conditions: list }).nullish(),
});

const v1beta2Status = z.looseObject({
  conditions: list,
  deprecated: z
    .looseObject({
      v1beta1: z
        .looseObject({ conditions: list, failureMessage: text, failureReason: text })
        .nullish(),
    })
    .nullish(),
  initialization: z.looseObject({ provisioned: z.boolean().nullish() }).nullish(),
});

export const clusterStatusToV1beta2 = v1beta1Status
  .extend({ failureDomains: domainMap.nullish() })
  .transform(({ failureDomains, ...status }) =>
    compact({ ...toV1beta2(status), failureDomains: toDomainList(failureDomains) }),
  );

export const clusterStatusToV1beta1 = v1beta2Status
  .extend({ failureDomains: domainList.nullish() })
  .transform(({ failureDomains, ...status }) =>
    compact({ ...toV1beta1(status), failureDomains: toDomainMap(failureDomains) }),
  );

export const machineStatusToV1beta2 = v1beta1Status
  .extend({
    addresses: list,
    renderedData: z.looseObject({ name: text, namespace: text }).nullish(),
  })
  .transform(({ addresses, renderedData, ...status }) =>
    compact({
      ...toV1beta2(status),
      addresses: addresses?.length === 0 ? undefined : addresses,
      phase: undefined,
      renderedData: toNameOnly(renderedData),
    }),
  );

export const machineStatusToV1beta1 = v1beta2Status.transform(toV1beta1);

function toV1beta2(given: z.infer<typeof v1beta1Status>) {
  const { conditions, failureMessage, failureReason, ready, v1beta2, ...status } = given;
  const v1beta1 = compactOrNone({ conditions, failureMessage, failureReason });
  return compact({
    ...status,
    conditions: v1beta2?.conditions,
    deprecated: v1beta1 && { v1beta1 },
    initialization: compactOrNone({ provisioned: ready }),
  });
}

function toV1beta1(given: z.infer<typeof v1beta2Status>) {
  const { conditions, deprecated, initialization, ...status } = given;
  return compact({
    ...status,
    conditions: deprecated?.v1beta1?.conditions,
    failureMessage: deprecated?.v1beta1?.failureMessage,
    failureReason: deprecated?.v1beta1?.failureReason,
    ready: initialization?.provisioned,
    v1beta2: compactOrNone({ conditions }),
  });
}
