// The ValidatingWebhookConfiguration that lets a cluster ask the control plane about hosts. The URL holds the
// cluster's admission token, so it is rendered for one cluster and never checked in.
import { stringify } from "yaml";

export interface WebhookOptions {
  /** https://HOST/k8s/v1/admission/TOKEN: no user, query or fragment, which Kubernetes refuses. */
  readonly url: string;
  /** PEM; undefined: the API server's own roots. */
  readonly caBundle: string | undefined;
  /** Whose writes are not asked about: the cluster link's own. */
  readonly linkUser?: string;
}

const clusterLinkUser = "system:serviceaccount:farrier-system:farrier-cluster-link";

/** Returns YAML to apply. The cluster works on when the control plane does not answer (failurePolicy). */
export function renderWebhook({
  url,
  caBundle,
  linkUser = clusterLinkUser,
}: WebhookOptions): string {
  return stringify({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "farrier" },
    webhooks: [
      {
        name: "baremetalhost.farrier.dev",
        admissionReviewVersions: ["v1"],
        clientConfig: {
          url,
          ...(caBundle === undefined ? {} : { caBundle: Buffer.from(caBundle).toString("base64") }),
        },
        failurePolicy: "Ignore",
        matchPolicy: "Equivalent",
        sideEffects: "NoneOnDryRun",
        timeoutSeconds: 3,
        rules: [
          {
            apiGroups: ["metal3.io"],
            apiVersions: ["v1alpha1"],
            operations: ["CREATE", "UPDATE"],
            resources: ["baremetalhosts"],
            scope: "Namespaced",
          },
        ],
        matchConditions: [
          {
            name: "not-the-cluster-link",
            expression: `request.userInfo.username != ${JSON.stringify(linkUser)}`,
          },
          { name: "not-being-deleted", expression: "!has(object.metadata.deletionTimestamp)" },
        ],
      },
    ],
  });
}
