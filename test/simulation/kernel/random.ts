// Randomness from a seed: one stream per name, so that a draw more in one place shifts nothing elsewhere.

export interface Random {
  /** 0 ≤ n < 2^32. */
  next(): number;
  /** 0 ≤ n < limit. */
  below(limit: number): number;
  /** from ≤ n ≤ to, integers. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  /** Throws when there is nothing to pick. */
  pick<T>(items: readonly T[]): T;
  /** A new order. */
  shuffle<T>(items: readonly T[]): T[];
  bytes(count: number): Uint8Array;
  /** An independent stream. The same name gives the same stream. */
  split(name: string): Random;
}

export function makeRandom(seed: string): Random {
  const start = hash(seed);
  let [a, b, c, d] = [start, hash(`${seed}#b`), hash(`${seed}#c`), 1];
  // sfc32 (Chris Doty-Humphrey's PractRand): 128 bits of state.
  const next = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let left = 12; left > 0; left -= 1) next();
  const below = (limit: number): number => Math.floor((next() / 2 ** 32) * limit);
  return {
    next,
    below,
    between: (from, to) => from + below(to - from + 1),
    chance: (probability) => next() / 2 ** 32 < probability,
    pick(items) {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error("nothing to pick from");
      return item;
    },
    shuffle(items) {
      const order = [...items];
      for (let at = order.length - 1; at > 0; at -= 1) {
        const other = below(at + 1);
        [order[at], order[other]] = [order[other]!, order[at]!];
      }
      return order;
    },
    bytes(count) {
      const bytes = new Uint8Array(count);
      for (let at = 0; at < count; at += 1) bytes[at] = next() & 0xff;
      return bytes;
    },
    split: (name) => makeRandom(`${seed}/${name}`),
  };
}

/** FNV-1a, 32 bits, then mixed: near names give far seeds. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value ^= text.charCodeAt(at);
    value = Math.imul(value, 0x01000193);
  }
  value ^= value >>> 16;
  value = Math.imul(value, 0x85ebca6b);
  value ^= value >>> 13;
  value = Math.imul(value, 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
