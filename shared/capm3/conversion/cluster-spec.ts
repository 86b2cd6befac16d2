// The spec of a Metal3Cluster between v1beta1 and v1beta2. In v1beta1 "" and 0 mean that a field is not set.
import { z } from "zod";
import { domainList, domainMap, toDomainList, toDomainMap } from "./failure-domains.ts";
import { compact, compactOrNone } from "../../json.ts";

const endpoint = z.looseObject({ host: z.string().nullish(), port: z.number().nullish() });

export const clusterSpecToV1beta2 = z
  .looseObject({
    cloudProviderEnabled: z.boolean().nullish(),
    controlPlaneEndpoint: endpoint.nullish(),
    failureDomains: domainMap.nullish(),
    noCloudProvider: z.boolean().nullish(),
  })
  .refine(
    ({ cloudProviderEnabled, noCloudProvider }) =>
      typeof noCloudProvider !== "boolean" || noCloudProvider !== cloudProviderEnabled,
    {
      path: ["noCloudProvider"],
      error: "contradicts cloudProviderEnabled, whose opposite it is; keep one of them",
    },
  )
  .transform(({ noCloudProvider, ...spec }) =>
    compact({
      ...spec,
      cloudProviderEnabled: spec.cloudProviderEnabled ?? opposite(noCloudProvider),
      controlPlaneEndpoint: compactOrNone({
        ...spec.controlPlaneEndpoint,
        host: spec.controlPlaneEndpoint?.host || undefined,
        port: spec.controlPlaneEndpoint?.port || undefined,
      }),
      failureDomains: toDomainList(spec.failureDomains),
    }),
  );

export const clusterSpecToV1beta1 = z
  .looseObject({
    cloudProviderEnabled: z.boolean().nullish(),
    controlPlaneEndpoint: endpoint.nullish(),
    failureDomains: domainList.nullish(),
  })
  .transform((spec) =>
    compact({
      ...spec,
      noCloudProvider: opposite(spec.cloudProviderEnabled),
      // Both are required there.
      controlPlaneEndpoint: spec.controlPlaneEndpoint && {
        host: "",
        port: 0,
        ...compact(spec.controlPlaneEndpoint),
      },
      failureDomains: toDomainMap(spec.failureDomains),
    }),
  );

function opposite(value: boolean | null | undefined): boolean | undefined {
  return typeof value === "boolean" ? !value : undefined;
}
