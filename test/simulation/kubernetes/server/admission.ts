// Asks the control plane's webhook about writes of BareMetalHosts, as infra/manifests/render-webhook.ts has it: at
// CREATE and UPDATE, not for the cluster link, not for what is being deleted, three seconds, failurePolicy Ignore.
import type { KubernetesAnswer } from "../../../../site-agent/cluster/port.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Random } from "../../kernel/random.ts";
import type { KubernetesObject } from "../../world/events.ts";
import type { ClusterFaults } from "../cluster-faults.ts";
import type { By, Draft } from "./object-store.ts";
import { hosts } from "./resources.table.ts";
import type { Resource } from "./resources.table.ts";
import { refusal } from "./status-answers.ts";

/** Posts an AdmissionReview; undefined: nobody answers, or not as agreed. */
export type Review = (body: object) => Promise<ReviewResponse | undefined>;

export interface ReviewResponse {
  readonly allowed: boolean;
  readonly status?: { readonly code?: number; readonly message?: string };
}

export interface Caller {
  readonly by: By;
  readonly user: string;
  /** Another webhook, which is asked after ours, says no to all of its writes. */
  readonly isRefusedLater?: boolean;
}

export interface Question {
  readonly caller: Caller;
  readonly resource: Resource;
  readonly object: Draft;
  readonly oldObject: KubernetesObject | undefined;
  readonly dryRun: boolean;
}

export interface Verdict {
  /** Whether our webhook was to be asked. */
  readonly isAsked: boolean;
  readonly isAllowed: boolean;
  /** How long it took; undefined: it gave no answer. */
  readonly tookMs: number | undefined;
  /** The answer to the caller; undefined: it may be stored. */
  readonly refused: KubernetesAnswer | undefined;
}

export interface AdmissionOptions {
  readonly faults: Pick<ClusterFaults, "webhookUnreachable" | "repeatsReviews">;
  readonly kernel: Kernel;
  readonly random: Random;
  readonly review: Review;
}

const timeoutMs = 3_000;
const webhook = "baremetalhost.farrier.dev";

export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  async judge(question: Question): Promise<Verdict> {
    const isAsked = isAskedAbout(question);
    const beganMs = this.#options.kernel.nowMs();
    const response = isAsked ? await this.#ask(question) : undefined;
    const isAllowed = response?.allowed ?? true;
    const tookMs = response === undefined ? undefined : this.#options.kernel.nowMs() - beganMs;
    if (!isAllowed) {
      const { code = 403, message = "" } = response?.status ?? {};
      const text = `admission webhook "${webhook}" denied the request: ${message}`;
      return { isAsked, isAllowed, tookMs, refused: refusal(code, text) };
    }
    const refused =
      question.caller.isRefusedLater === true
        ? refusal(403, 'admission webhook "quota.example.com" denied the request: no more today')
        : undefined;
    return { isAsked, isAllowed, tookMs, refused };
  }

  async #ask(question: Question): Promise<ReviewResponse | undefined> {
    const { kernel, random, faults } = this.#options;
    const body = reviewOf(question, uuidOf(random));
    const isRepeated = random.chance(faults.repeatsReviews);
    await kernel.sleep(random.between(1, 20));
    if (faults.webhookUnreachable) return undefined;
    const first = await this.#inTime(body);
    return isRepeated ? await this.#inTime(body) : first;
  }

  #inTime(body: object): Promise<ReviewResponse | undefined> {
    const { kernel, review } = this.#options;
    return new Promise((resolve) => {
      const timer = kernel.timer(timeoutMs, () => resolve(undefined));
      const settle = (response: ReviewResponse | undefined): void => {
        timer.cancel();
        resolve(response);
      };
      review(body).then(settle, () => settle(undefined));
    });
  }
}

function isAskedAbout({ caller, resource, object }: Question): boolean {
  const { deletionTimestamp } = object.metadata;
  return resource === hosts && caller.by !== "farrier" && deletionTimestamp === undefined;
}

function reviewOf(question: Question, uid: string): object {
  const { caller, resource, object, oldObject, dryRun } = question;
  const { group, version, kind, name: plural } = resource;
  const { name, namespace } = object.metadata;
  const operation = oldObject === undefined ? "Create" : "Update";
  const place = { resource: { group, version, resource: plural }, kind: { group, version, kind } };
  return {
    kind: "AdmissionReview",
    apiVersion: "admission.k8s.io/v1",
    request: {
      uid,
      ...place,
      requestKind: place.kind,
      requestResource: place.resource,
      name,
      namespace,
      operation: operation.toUpperCase(),
      userInfo: { username: caller.user, groups: ["system:authenticated"] },
      object,
      oldObject: oldObject ?? null,
      dryRun,
      options: { kind: `${operation}Options`, apiVersion: "meta.k8s.io/v1" },
    },
  };
}

function uuidOf(random: Random): string {
  const hex = Buffer.from(random.bytes(16)).toString("hex");
  const middle = `${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}`;
  return `${hex.slice(0, 8)}-${middle}-${hex.slice(20)}`;
}
