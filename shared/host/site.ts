// Which site a host belongs to. Both ends ask here: the control plane for the decision, the cluster link for
// the key to seal to.
import { siteKey, type Annotations } from "../metal3/annotations.ts";
import { quote } from "../result.ts";

export interface SiteQuestion {
  readonly labels: Annotations;
  readonly namespaceAnnotations: Annotations;
  /** Names of all sites. */
  readonly sites: readonly string[];
}

export type SiteChoice =
  | { readonly kind: "site"; readonly name: string }
  /** `reason` is for people: what is missing and what to do. */
  | { readonly kind: "none"; readonly reason: string };

/** Label farrier.dev/site of the host, else annotation of that name on its namespace, else the only site. */
export function chooseSite(question: SiteQuestion): SiteChoice {
  const { labels, namespaceAnnotations, sites } = question;
  const label = labels?.[siteKey];
  if (label !== undefined) return named(label, `label ${siteKey} of the host`, sites);
  const annotation = namespaceAnnotations?.[siteKey];
  if (annotation !== undefined) {
    return named(annotation, `annotation ${siteKey} of the namespace`, sites);
  }
  const [first, ...others] = sites;
  if (first === undefined) {
    return none("there is no site yet; add one with: npm run admin -- site add NAME");
  }
  if (others.length === 0) return { kind: "site", name: first };
  return none(`there are ${sites.length} sites; name one by the label ${siteKey} of the host`);
}

function named(name: string, where: string, sites: readonly string[]): SiteChoice {
  return sites.includes(name)
    ? { kind: "site", name }
    : none(`the ${where} names the site ${quote(name)}, which does not exist; correct it`);
}

function none(reason: string): SiteChoice {
  return { kind: "none", reason };
}
