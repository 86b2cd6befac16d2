// The steps of an operation, found in a run that nobody disturbed: each act is a step, with the record before it (its
// intent) and the one after it (its outcome). What the product does more is in the matrix by itself.
import type { Act, Moment, RunWatch, Span, Written } from "./watch-run.ts";

export const moments = ["before intent", "after intent", "after act", "after outcome"] as const;
export type MomentName = (typeof moments)[number];

export interface Step {
  readonly name: string;
  readonly at: Readonly<Record<MomentName, Moment>>;
}

/** An act that is repeated is two steps: the first and the last time. Throws for one without intent or outcome. */
export function stepsOf(watch: RunWatch, span: Span): readonly Step[] {
  const acts = watch.acts.filter(({ at }) => at.number > span.from && at.number <= span.until);
  const byName = Map.groupBy(acts, ({ name }) => name);
  const steps = [...byName.values()].flatMap((same) => {
    const [first, last] = [same[0], same.at(-1)];
    if (first === undefined || last === undefined) return [];
    if (first === last) return [stepOf(watch, first, first.name)];
    return [
      stepOf(watch, first, `${first.name} (first)`),
      stepOf(watch, last, `${last.name} (last)`),
    ];
  });
  return steps.toSorted((a, b) => a.at["after act"].number - b.at["after act"].number);
}

function stepOf({ written }: RunWatch, { kept, at }: Act, name: string): Step {
  const intent = written.findLast(
    ({ by, after }) => by === kept.intent && after.number < at.number,
  );
  const outcome = written.find(
    ({ by, before }) => by === kept.outcome && before.number > at.number,
  );
  return {
    name,
    at: {
      "before intent": must(intent, `no record before: ${name}`).before,
      "after intent": must(intent, name).after,
      "after act": at,
      "after outcome": must(outcome, `no record after: ${name}`).after,
    },
  };
}

function must(written: Written | undefined, problem: string): Written {
  if (written === undefined) throw new Error(problem);
  return written;
}
