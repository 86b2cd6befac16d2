// The secrets that the workload plants, and how to find one where it must not be: in the clear, or in base64.

export function canaryPassword(machine: string, number: number): string {
  return `canary-pw-${machine}-${number}`;
}

/** Whose it is, and which of them. */
export function passwordNumberOf(
  password: string,
): { readonly machine: string; readonly number: number } | undefined {
  const [, machine, number] = /^canary-pw-(.+)-([0-9]+)$/.exec(password) ?? [];
  return machine === undefined ? undefined : { machine, number: Number(number) };
}

/** Of nobody: what a Secret holds while it is wrong. */
export const wrongPassword = "canary-wrong-1";

export function canaryUserData(host: string): string {
  return `canary-data-${host}`;
}

/** In the kubeconfig of a workload cluster. */
export function canaryToken(cluster: string): string {
  return `canary-token-${cluster}`;
}

export function isToken(text: string): boolean {
  return text.startsWith("canary-token-");
}

/** Whose planted user data is in the text. */
export function hostOfUserData(text: string): string | undefined {
  return /canary-data-([a-z0-9-]+)/.exec(text)?.[1];
}

const plain = /canary-[a-z]+-[a-z0-9-]+/;
/** "canary" in base64, whichever of three bytes it begins at: what does not depend on its neighbours. */
const encoded = /Y2FuYXJ5|NhbmFyeS|jYW5hcnkt/;

/** The first one in the text, or what of it was found. */
export function findCanary(text: string): string | undefined {
  return (plain.exec(text) ?? encoded.exec(text))?.[0];
}
