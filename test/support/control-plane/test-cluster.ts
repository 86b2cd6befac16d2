// A cluster link's other half by the protocol's text: posts feeds and facts with the session's bearer. Holds one
// namespace of hosts in memory, as Kubernetes would.
import type { Answer, Instance } from "./instances.ts";
import type { TestLink } from "./test-agent.ts";

export interface KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export class TestCluster {
  readonly name: string;
  private readonly link: TestLink;
  private version = 100;
  private cursor = "100";

  constructor(name: string, link: TestLink) {
    this.name = name;
    this.link = link;
  }

  post(instance: Instance, path: string, body: unknown): Promise<Answer> {
    return instance.ask("POST", `/clusters/${this.name}/${path}`, {
      headers: { authorization: `Bearer ${String(this.link.welcome["sessionToken"])}` },
      body,
    });
  }

  /** The first whole list of each resource: a namespace "metal" and nothing else. */
  async listAll(instance: Instance): Promise<void> {
    const namespace = { metadata: { name: "metal", uid: `${this.name}-ns`, resourceVersion: "1" } };
    for (const resource of ["namespaces", "hardwaredata", "baremetalhosts"]) {
      const answer = await this.post(instance, `feed/${resource}`, {
        kind: "list",
        listId: `first-${resource}`,
        resourceVersion: "100",
        items: resource === "namespaces" ? [namespace] : [],
        last: true,
      });
      if (answer.status !== 200) throw new Error(`list: ${answer.status} ${answer.text}`);
    }
  }

  /** Writes a host, as `kubectl apply` would, and posts the event. */
  async apply(
    instance: Instance,
    type: "ADDED" | "MODIFIED" | "DELETED",
    object: { readonly metadata: object; readonly [field: string]: unknown },
  ): Promise<Answer> {
    this.version += 1;
    const resourceVersion = String(this.version);
    const answer = await this.post(instance, "feed/baremetalhosts", {
      kind: "watch",
      fromResourceVersion: this.cursor,
      toResourceVersion: resourceVersion,
      events: [{ type, object: { ...object, metadata: { ...object.metadata, resourceVersion } } }],
    });
    if (answer.status === 200) this.cursor = resourceVersion;
    return answer;
  }
}

export function makeHostObject(name: string, uid: string, number: number) {
  return {
    apiVersion: "metal3.io/v1alpha1",
    kind: "BareMetalHost",
    metadata: { name, namespace: "metal", uid, generation: 1, finalizers: [] as string[] },
    spec: {
      online: true,
      bmc: { address: `ipmi://192.0.2.${number}`, credentialsName: `${name}-bmc` },
      bootMACAddress: `52:54:00:00:00:${number.toString(16).padStart(2, "0")}`,
    },
  };
}
