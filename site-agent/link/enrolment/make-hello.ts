// The hello of a session: who this agent is, signed, and what it holds of its work.
import { toBase64 } from "../../../shared/bytes.ts";
import { helloSigningText, type Hello } from "../../../shared/protocol/frames.ts";
import type { ConnectionDeps } from "../connection.ts";

/** Uses up the identity's next counter. */
export function makeHello(deps: ConnectionDeps, nonce: string): Hello {
  const { identity, crypto, clock } = deps;
  const unsigned = {
    type: "hello" as const,
    agentId: identity.agentId,
    bootId: deps.bootId,
    versions: [1],
    programVersion: deps.programVersion,
    capabilities: [...deps.capabilities],
    counter: identity.nextCounter(),
    nonce,
    documentsDigest: deps.documents.digest(),
    heard: identity.heard(),
    operationsInFlight: operationsInFlight(deps),
    tellsCaughtUp: true,
    lastSeq: deps.observations.lastSeq(),
    wallClockMs: clock.nowMs(),
  };
  const signature = crypto.sign(
    identity.signingPrivateKey,
    helloSigningText(new URL(deps.hubUrl).origin, unsigned),
  );
  return { ...unsigned, signature: toBase64(signature) };
}

function operationsInFlight({
  journal,
  observations,
}: ConnectionDeps): Hello["operationsInFlight"] {
  const unfinished = journal.unfinished().map((entry) => ({
    id: entry.operation.id,
    state: entry.state === "accepted" ? ("accepted" as const) : ("started" as const),
  }));
  const known = new Set(unfinished.map(({ id }) => id));
  const untold = observations.operationIds().filter((id) => !known.has(id));
  return [...unfinished, ...untold.map((id) => ({ id, state: "finished" as const }))];
}
