// The Kubernetes API as a controller of somebody else sees it: plain requests with a kubeconfig of its own, and one
// watch. Nothing here is of the product.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request as requestHttps, type RequestOptions } from "node:https";
import { createInterface } from "node:readline";
import { KubeConfig } from "@kubernetes/client-node";

export interface Deployment {
  readonly image?: object;
  readonly customDeploy?: object;
  readonly userData?: object;
  readonly metaData?: object;
  readonly networkData?: object;
  readonly automatedCleaningMode?: string;
}

/** What a Metal3 machine provider reads of a BareMetalHost, and no field more (cluster-api reference 3.4). */
export interface SeenHost {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: Deployment & {
    readonly consumerRef?: Readonly<Record<string, string>>;
    readonly online?: boolean;
    readonly disablePowerOff?: boolean;
    readonly bmc?: { readonly credentialsName?: string };
    readonly bootMACAddress?: string;
  };
  readonly status?: {
    readonly provisioning?: { readonly state?: string };
    readonly errorMessage?: string;
    readonly poweredOn?: boolean;
    readonly hardware?: {
      readonly hostname?: string;
      readonly nics?: readonly {
        readonly name: string;
        readonly mac: string;
        readonly ip?: string;
      }[];
    };
  };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface HostApi {
  list(): Promise<readonly SeenHost[]>;
  get(name: string): Promise<SeenHost>;
  /** A merge patch without resourceVersion, on the main resource. Throws with the server's words where it is refused. */
  patch(name: string, change: object): Promise<void>;
  patchSecret(name: string, change: object): Promise<void>;
  /** Of the provider's own Lease, made at the first time. */
  renewLease(namespace: string, name: string, holder: string): Promise<void>;
  /** Follows all hosts until the server ends it. */
  watch(onHost: (host: SeenHost) => void): Promise<void>;
  stop(): void;
}

/** With a kubeconfig that has a certificate, and no token. */
export async function connectHostApi(kubeconfigPath: string, namespace: string): Promise<HostApi> {
  const kubeconfig = new KubeConfig();
  kubeconfig.loadFromFile(kubeconfigPath);
  const server = kubeconfig.getCurrentCluster()?.server ?? "";
  const options: RequestOptions = {};
  await kubeconfig.applyToHTTPSOptions(options);
  const watches = new Set<IncomingMessage>();

  async function open(method: string, path: string, body?: object): Promise<IncomingMessage> {
    const contentType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { "content-type": contentType };
    const sent = requestHttps(new URL(path, server), { ...options, headers, method });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return response;
  }

  async function send(method: string, path: string, body?: object): Promise<Answer> {
    const response = await open(method, path, body);
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) text += chunk as string;
    return { status: response.statusCode ?? 0, text };
  }

  async function sendOrThrow(method: string, path: string, body?: object): Promise<string> {
    const { status, text } = await send(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text;
  }

  const hosts = `/apis/metal3.io/v1alpha1/namespaces/${namespace}/baremetalhosts`;
  return {
    async list() {
      const { items } = JSON.parse(await sendOrThrow("GET", hosts)) as { items: SeenHost[] };
      return items;
    },
    get: async (name) => JSON.parse(await sendOrThrow("GET", `${hosts}/${name}`)) as SeenHost,
    async patch(name, change) {
      await sendOrThrow("PATCH", `${hosts}/${name}`, change);
    },
    async patchSecret(name, change) {
      await sendOrThrow("PATCH", `/api/v1/namespaces/${namespace}/secrets/${name}`, change);
    },
    async renewLease(space, name, holderIdentity) {
      const all = `/apis/coordination.k8s.io/v1/namespaces/${space}/leases`;
      const renewTime = new Date().toISOString().replace("Z", "000Z");
      const spec = { holderIdentity, renewTime, leaseDurationSeconds: 15 };
      const { status } = await send("PATCH", `${all}/${name}`, { spec });
      if (status === 404) await sendOrThrow("POST", all, { metadata: { name }, spec });
    },
    async watch(onHost) {
      const response = await open("GET", `${hosts}?watch=true`);
      watches.add(response);
      try {
        for await (const line of createInterface({ input: response })) {
          onHost((JSON.parse(line) as { object: SeenHost }).object);
        }
      } catch {
        // It was stopped.
      }
    },
    stop() {
      for (const response of watches) response.destroy();
    },
  };
}
