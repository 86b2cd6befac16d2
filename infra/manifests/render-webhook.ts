// The webhook configurations that let a cluster ask the control plane about hosts and cluster-api kinds. The URL holds
// the cluster's admission token, so they are rendered for one cluster and never checked in.
import { stringify } from "yaml";
import { infrastructureGroup } from "../../shared/capm3/provider.ts";
import { providerKinds } from "../../shared/capm3/validation/provider-kinds.table.ts";
import { defaults, type Defaults } from "../../shared/defaults.table.ts";

export interface WebhookOptions {
  /** https://HOST/k8s/v1/admission/TOKEN: no user, query or fragment, which Kubernetes refuses. */
  readonly url: string;
  /** PEM; undefined: the API server's own roots. */
  readonly caBundle: string | undefined;
  /** Whose writes are not asked about: the cluster link's own. */
  readonly linkUser?: string;
}

const clusterLinkUser = "system:serviceaccount:farrier-system:farrier-cluster-link";

/**
 * Returns YAML to apply: one configuration that judges and one that fills in. The cluster works on when the control
 * plane does not answer (failurePolicy).
 */
export function renderWebhook({
  url,
  caBundle,
  linkUser = clusterLinkUser,
}: WebhookOptions): string {
  const ca = caBundle === undefined ? {} : { caBundle: Buffer.from(caBundle).toString("base64") };
  const isAsked = [
    {
      name: "not-the-cluster-link",
      expression: `request.userInfo.username != ${JSON.stringify(linkUser)}`,
    },
    { name: "not-being-deleted", expression: "!has(object.metadata.deletionTimestamp)" },
  ];
  // Of their specs alone is judged: core's many changes of metadata need no answer.
  const isAnotherSpec = {
    name: "another-spec",
    expression: `request.operation == "CREATE" || !has(oldObject.spec) || !has(object.spec) || object.spec != oldObject.spec`,
  };
  const hosts = { group: "metal3.io", version: "v1alpha1", matchConditions: isAsked };
  const matchConditions = [...isAsked, isAnotherSpec];
  const provider = { group: infrastructureGroup, version: "v1beta2", matchConditions };
  const webhooks = [
    { name: "baremetalhost", ...hosts, plurals: ["baremetalhosts"] },
    { name: "cluster-api", ...provider, plurals: providerKinds.map(({ plural }) => plural) },
  ].map((target) => ({
    ...webhook(target),
    clientConfig: { url, ...ca },
    sideEffects: "NoneOnDryRun",
    matchConditions: target.matchConditions,
  }));
  const fillingIn = defaults.map((each) => ({
    ...webhook({ ...each, name: `defaults.${each.plural}`, plurals: [each.plural] }),
    clientConfig: { url: `${url}/defaults`, ...ca },
    sideEffects: "None",
    matchConditions: [
      ...isAsked,
      { name: "something-to-fill-in", expression: isToBeFilledIn(each) },
    ],
  }));
  return [
    makeConfiguration("ValidatingWebhookConfiguration", webhooks),
    makeConfiguration("MutatingWebhookConfiguration", fillingIn),
  ].join("---\n");
}

function makeConfiguration(kind: string, webhooks: readonly object[]): string {
  const apiVersion = "admissionregistration.k8s.io/v1";
  return stringify({ apiVersion, kind, metadata: { name: "farrier" }, webhooks }, { lineWidth: 0 });
}

interface Target {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly plurals: readonly string[];
}

/** Other versions of a kind are converted to this one first. */
function webhook({ name, group, version, plurals }: Target) {
  return {
    name: `${name}.farrier.dev`,
    admissionReviewVersions: ["v1"],
    failurePolicy: "Ignore",
    matchPolicy: "Equivalent",
    timeoutSeconds: 3,
    rules: [
      {
        apiGroups: [group],
        apiVersions: [version],
        operations: ["CREATE", "UPDATE"],
        resources: plurals,
        scope: "Namespaced",
      },
    ],
  };
}

/** CEL: so that the control plane is asked only where it has something to say. */
function isToBeFilledIn({ emptyIsUnset, values }: Defaults): string {
  const has = (path: readonly string[]) =>
    path.map((_, at) => `has(object.${path.slice(0, at + 1).join(".")})`).join(" && ");
  return [
    ...emptyIsUnset.map((path) => `(${has(path)} && object.${path.join(".")} == '')`),
    ...values.map(({ path }) => `(${has(path.slice(0, -1))} && !has(object.${path.join(".")}))`),
  ].join(" || ");
}
