// Lists of an API server in pages: each list is of one moment, whatever is written between its pages, and its
// tokens expire, as when etcd is compacted.
import type { KubernetesAnswer } from "../../../../site-agent/cluster/port.ts";
import type { KubernetesObject } from "../../world/events.ts";
import type { Snapshot } from "./object-store.ts";
import type { Target } from "./resources.table.ts";
import { refusal } from "./status-answers.ts";

/** A server compacts every five minutes. */
const expiresMs = 300_000;

interface Rest extends Snapshot {
  readonly untilMs: number;
}

export class ListPages {
  readonly #rests = new Map<string, Rest>();
  #count = 0;

  /** All tokens are too old from now on. */
  expire(): void {
    this.#rests.clear();
  }

  /** `whole` is asked for the first page only. */
  answer(target: Target, nowMs: number, whole: () => Snapshot): KubernetesAnswer {
    for (const [token, { untilMs }] of this.#rests) {
      if (untilMs < nowMs) this.#rests.delete(token);
    }
    const token = target.query.get("continue") ?? "";
    const found = token === "" ? whole() : this.#rests.get(token);
    if (found === undefined) {
      return refusal(
        410,
        "The provided continue parameter is too old to display a consistent list result.",
      );
    }
    const { version, items } = found;
    const limit = Number(target.query.get("limit") ?? "0");
    const page = limit === 0 ? items : items.slice(0, limit);
    const rest = { version, items: items.slice(page.length), untilMs: nowMs + expiresMs };
    const metadata = { resourceVersion: String(version), ...this.#more(rest) };
    const { apiVersion, kind, custom } = target.resource;
    const shown = custom === undefined ? page.map(withoutKind) : page;
    return { status: 200, body: { apiVersion, kind: `${kind}List`, metadata, items: shown } };
  }

  #more(rest: Rest): object {
    if (rest.items.length === 0) return {};
    this.#count += 1;
    const token = Buffer.from(`{"v":"simulated","n":${this.#count}}`).toString("base64url");
    this.#rests.set(token, rest);
    return { continue: token, remainingItemCount: rest.items.length };
  }
}

/** Items of a list of a built-in kind do not say their kind. */
function withoutKind({ apiVersion: _apiVersion, kind: _kind, ...rest }: KubernetesObject): object {
  return rest;
}
