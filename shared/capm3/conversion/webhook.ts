// What the generated definitions and the cluster link agree on about the conversion of versions.
/** In a definition that no cluster link has taken yet; whoever reads an older version is shown this name. */
export const conversionPlaceholder = "https://farrier-cluster-link-has-not-started.invalid/convert";
