// Failure domains: a map by name in v1beta1, a list in v1beta2. The list comes out sorted; an empty map is none.
import { z } from "zod";
import type { Json } from "../../json.ts";

export const domainMap = z.record(z.string(), z.looseObject({}));
export const domainList = z.array(z.looseObject({ name: z.string() }));

export function toDomainList(domains: z.infer<typeof domainMap> | null | undefined) {
  const names = Object.keys(domains ?? {}).toSorted();
  return names.length === 0 ? undefined : names.map((name) => ({ ...domains?.[name], name }));
}

export function toDomainMap(
  domains: z.infer<typeof domainList> | null | undefined,
): Json | undefined {
  if (domains === undefined || domains === null) return undefined;
  return Object.fromEntries(domains.map(({ name, ...domain }) => [name, domain]));
}
