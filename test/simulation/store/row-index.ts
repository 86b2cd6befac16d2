// Keys of a table's rows by the value of something in them.

export class RowIndex<Row> {
  readonly #valueOf: (row: Row) => string | undefined;
  readonly #keys = new Map<string, Set<string>>();

  /** `valueOf`: undefined where the row is not in the index. */
  constructor(valueOf: (row: Row) => string | undefined) {
    this.#valueOf = valueOf;
  }

  /** Keys in no order that may be relied on. */
  keys(value: string): Iterable<string> {
    return this.#keys.get(value) ?? [];
  }

  has(value: string): boolean {
    return this.#keys.has(value);
  }

  replace(key: string, before: Row | undefined, after: Row | undefined): void {
    const from = before === undefined ? undefined : this.#valueOf(before);
    const to = after === undefined ? undefined : this.#valueOf(after);
    if (from === to) return;
    if (from !== undefined) this.#remove(from, key);
    if (to !== undefined) this.#add(to, key);
  }

  clear(): void {
    this.#keys.clear();
  }

  #add(value: string, key: string): void {
    const keys = this.#keys.get(value);
    if (keys === undefined) this.#keys.set(value, new Set([key]));
    else keys.add(key);
  }

  #remove(value: string, key: string): void {
    const keys = this.#keys.get(value);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(value);
  }
}
