// Between the claim of a host and what Kubernetes shows: the consumer is written, the machine notes its host. A claim
// that turns out bad before anything was written is let go; nobody else's host is written to.
import { judge, isTrue, notTrue } from "../status/conditions.ts";
import { associated, dataReady, metaDataAssociated } from "../status/conditions.table.ts";
import { consumerText, ownerOfHost } from "./consumer.ts";
import { because, tell, wait, type MachineDraft, type Stop } from "../draft.ts";
import { fail, findHost, flawOf } from "../choice/find-host.ts";
import { isDeployed } from "../gates.ts";
import { hasSystem, patchHost, runsOwn, writeHost } from "./host-patch.ts";
import { hostText, nameOf } from "./host-text.ts";
import type { HostView } from "../snapshot.ts";
import { askAgainMs } from "../waits.ts";

const hostAnnotation = "metal3.io/BareMetalHost";

/** Stops until Kubernetes shows a host with this machine as its consumer and with its image. */
export function associate(draft: MachineDraft): Stop | HostView {
  const { host } = draft.snapshot;
  if (host === undefined) return findHost(draft);
  if (host.gone) return letGo(draft, "HostGone", `host ${nameOf(host)} is gone`);
  switch (ownerOfHost(draft, host)) {
    case "other":
      return taken(draft, host);
    case "nobody":
      return writeConsumer(draft, host);
    case "ours":
      return showAssociation(draft, host);
  }
}

/** Another is chosen at once, unless the machine was deployed. */
function letGo(draft: MachineDraft, reason: string, message: string): Stop {
  draft.release = true;
  delete draft.memory.host;
  delete draft.memory.labelledSecret;
  return fail(draft, because(reason, message), ["free-host", "object"], draft.snapshot.nowMs);
}

/** Somebody else stands in spec.consumerRef: what they do with the host is theirs. */
function taken(draft: MachineDraft, host: HostView): Stop {
  const message = `host ${nameOf(host)} has another consumer now, ${consumerText(host)}`;
  if (!isDeployed(draft)) return letGo(draft, "HostTaken", message);
  const wayOut = `${message}; remove its spec.consumerRef to have it back, or delete the Machine`;
  return fail(draft, because("HostTaken", wayOut), ["host", "object"]);
}

function writeConsumer(draft: MachineDraft, host: HostView): Stop {
  const { memory } = draft;
  const isWritten = memory.host?.uid === host.uid;
  const isKnown = isDeployed(draft) || (isWritten && (memory.host?.shown || runsOwn(draft, host)));
  const flaw = isKnown ? undefined : flawOf(draft, host, isWritten);
  if (flaw !== undefined) {
    // An order that still waits for delivery is replaced by one that says nothing.
    if (isWritten) patchHost(draft, host, {});
    return letGo(draft, "HostUnfit", `host ${nameOf(host)} ${flaw}`);
  }
  tellWhy(draft, host, isWritten);
  memory.host = { uid: host.uid, shown: false };
  writeHost(draft, host);
  const why = because("AssociatingBareMetalHost", `writes to host ${nameOf(host)}`);
  judge(draft, associated, notTrue(why.reason, why.message));
  return wait(why, ["host"], draft.snapshot.nowMs + askAgainMs);
}

/** Nothing is begun on it any more. */
function leaving(draft: MachineDraft, host: HostView): Stop {
  const then = isDeployed(draft)
    ? "delete the Machine to get another"
    : "another is chosen when it is gone";
  const message = `host ${nameOf(host)} is being deleted; ${then}`;
  return fail(draft, because("HostDeleting", message), ["host", "object"]);
}

function tellWhy(draft: MachineDraft, host: HostView, isWritten: boolean): void {
  const { memory } = draft;
  if (!isWritten) {
    tell(draft, "Normal", because("HostChosen", `chose host ${nameOf(host)}`));
    return;
  }
  // The write that was told of is still to show.
  draft.hasTold = true;
  if (memory.host?.shown !== true) return;
  const message = `spec.consumerRef of host ${nameOf(host)} was removed; writes it again`;
  tell(draft, "Warning", because("ConsumerRemoved", message));
}

function showAssociation(draft: MachineDraft, host: HostView): Stop | HostView {
  const { object } = draft.snapshot;
  draft.memory.host = { uid: host.uid, shown: true };
  if (object.metadata.annotations?.[hostAnnotation] !== nameOf(host)) {
    draft.patch.annotations = { ...draft.patch.annotations, [hostAnnotation]: nameOf(host) };
  }
  if (host.deleting) return leaving(draft, host);
  judge(draft, associated, isTrue("AssociateBareMetalHostSuccess", hostText(host)));
  judgeData(draft);
  writeHost(draft, host);
  if (hasSystem(draft, host)) return host;
  const isData = object.spec.dataTemplate !== undefined && draft.status.renderedData === undefined;
  if (isData) {
    const message = `waits for the data of Metal3DataTemplate ${object.spec.dataTemplate?.name ?? ""}`;
    return wait(because("WaitingForMetal3Data", message), ["object", "host"]);
  }
  const why = because("AssociateBareMetalHostSuccess", `writes the image to ${hostText(host)}`);
  return wait(why, ["host"], draft.snapshot.nowMs + askAgainMs);
}

function judgeData(draft: MachineDraft): void {
  const { dataTemplate } = draft.snapshot.object.spec;
  judge(draft, metaDataAssociated, isTrue("AssociateMetal3MachineMetaDataSuccess"));
  if (dataTemplate === undefined) return;
  const isMade = draft.status.renderedData !== undefined;
  const message = `waits for the data of Metal3DataTemplate ${dataTemplate.name ?? ""}`;
  judge(
    draft,
    dataReady,
    isMade ? isTrue("Metal3DataSecretsReady") : notTrue("WaitingForMetal3Data", message),
  );
}
