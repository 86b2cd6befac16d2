// A binary heap of what is to come: by virtual time, then by a draw from the seed, then by order of arrival.

export interface Due {
  readonly atMs: number;
  readonly draw: number;
  readonly sequence: number;
  readonly run: () => void;
  cancelled: boolean;
}

export class Heap {
  readonly #items: Due[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(due: Due): void {
    const items = this.#items;
    let at = items.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(due, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = due;
  }

  peek(): Due | undefined {
    return this.#items[0];
  }

  pop(): Due | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && isBefore(items[child + 1]!, items[child]!)) child += 1;
      if (!isBefore(items[child]!, last)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return first;
  }
}

function isBefore(a: Due, b: Due): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  if (a.draw !== b.draw) return a.draw < b.draw;
  return a.sequence < b.sequence;
}
