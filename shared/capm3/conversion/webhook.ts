// What the generated definitions and the cluster link agree on about the conversion of versions.
import { infrastructureGroup } from "../provider.ts";

/** In a definition that no cluster link has taken yet; whoever reads an older version is shown this name. */
export const conversionPlaceholder = "https://farrier-cluster-link-has-not-started.invalid/convert";

/** The definitions whose versions a webhook converts; as upstream, that of Metal3ClusterTemplate is none of them. */
export const convertedDefinitions: readonly string[] = [
  "metal3clusters",
  "metal3machines",
  "metal3machinetemplates",
].map((plural) => `${plural}.${infrastructureGroup}`);
