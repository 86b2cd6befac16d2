// Two stores compared: what they answer, and the rows that they have. What SQL leaves open (order without ORDER BY, ids
// of the outbox) is not compared.
import { sqlState } from "../../../../control-plane/store/database.ts";
import {
  tableNames,
  type PlainRow,
  type StoreTier,
} from "../../../support/control-plane/store-tier.ts";

export interface Answered {
  readonly threw?: string | undefined;
  readonly value?: unknown;
}

export async function answerOf(run: () => Promise<unknown>): Promise<Answered> {
  try {
    return { value: await run() };
  } catch (thrown) {
    const code = sqlState(thrown);
    if (code === undefined) throw thrown;
    return { threw: code };
  }
}

/** Lists of uids and of facts are sets; ids of outbox rows go by their place. */
export function comparable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, field: unknown) => {
      if (name === "id" && typeof field === "string" && /^\d+$/.test(field)) return "id";
      if (!Array.isArray(field)) return field;
      const isSet = name === "touched" || name === "secrets" || field.every(isText);
      return isSet ? field.toSorted((left, right) => (text(left) < text(right) ? -1 : 1)) : field;
    }) ?? "null",
  );
}

const isText = (value: unknown): boolean => typeof value === "string";
const text = (value: unknown): string => JSON.stringify(value);

export async function rowsOf(
  tier: StoreTier,
): Promise<Readonly<Record<string, readonly PlainRow[]>>> {
  const tables: Record<string, readonly PlainRow[]> = {};
  for (const name of tableNames) {
    const rows = await tier.table(name);
    tables[name] = name === "outbox" ? rows.map((row) => ({ ...row, id: 0 })) : rows;
  }
  return tables;
}

/** What the other store calls the rows of the outbox: they are the same, and in the same order. */
export async function otherIds(
  tiers: readonly [StoreTier, StoreTier],
): Promise<Map<string, string>> {
  const [memory, real] = [await tiers[0].table("outbox"), await tiers[1].table("outbox")];
  return new Map(memory.map(({ id }, index) => [String(id), String(real[index]?.["id"])]));
}
