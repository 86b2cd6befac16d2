// The objects that tests of the fleet apply.
import type { BareMetalHostSpec } from "../../shared/metal3/bare-metal-host.ts";
import { bmcPassword, bmcUser } from "./bmcs.ts";
import { testNamespace } from "./host-watch.ts";

interface Placed {
  readonly namespace?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}

export function hostObject(name: string, spec: Partial<BareMetalHostSpec>, metadata: Placed = {}) {
  return {
    apiVersion: "metal3.io/v1alpha1",
    kind: "BareMetalHost",
    metadata: { name, namespace: testNamespace, ...metadata },
    spec: { online: false, ...spec },
  };
}

export function secretObject(
  name: string,
  stringData: Readonly<Record<string, string>> = { username: bmcUser, password: bmcPassword },
  namespace = testNamespace,
) {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData };
}
