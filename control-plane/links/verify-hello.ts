// Whether a hello is from the agent that it names: approved, and the signature is over our nonce and one of our
// addresses. What is wrong is not told apart to the other end.
import { fromBase64 } from "../../shared/bytes.ts";
import { closeCode, helloSigningText, type Hello } from "../../shared/protocol/frames.ts";
import type { Crypto, LinkStore } from "../ports.ts";

export interface VerifyDeps {
  readonly links: Pick<LinkStore, "loadAgent">;
  readonly crypto: Crypto;
  readonly origins: readonly string[];
}

/** Undefined: all is well. */
export async function verifyHello(
  deps: VerifyDeps,
  hello: Hello,
  nonce: string,
): Promise<{ readonly code: number; readonly reason: string } | undefined> {
  if (!hello.versions.includes(1)) return { code: closeCode.version, reason: "version" };
  const agent = await deps.links.loadAgent(hello.agentId);
  const unauthorized = (reason: string) => ({ code: closeCode.unauthorized, reason });
  if (agent === undefined) return unauthorized("unknown");
  if (hello.nonce !== nonce || !(await isSigned(deps, hello, agent.signingKey))) {
    return unauthorized("signature");
  }
  if (agent.state === "revoked") return { code: closeCode.revoked, reason: "revoked" };
  return agent.state === "approved" ? undefined : unauthorized(agent.state);
}

async function isSigned(deps: VerifyDeps, hello: Hello, signingKey: string): Promise<boolean> {
  const key = fromBase64(signingKey);
  const signature = fromBase64(hello.signature);
  if (key === undefined || signature?.length !== 64) return false;
  for (const origin of deps.origins) {
    if (await deps.crypto.verify(key, signature, helloSigningText(origin, hello))) return true;
  }
  return false;
}
