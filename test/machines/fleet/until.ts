// Waiting for a fact: asks again until the answer is right. The failure tells the last wrong answer.

export interface Patience {
  /** For the failure: "m1 is available". */
  readonly fact: string;
  readonly seconds: number;
  /** Between two looks. */
  readonly everyMs?: number;
}

/** The first right answer. Throws when there is none in time. */
export async function until<T>(
  { fact, seconds, everyMs = 200 }: Patience,
  ask: () => T | Promise<T>,
  isRight: (answer: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > deadline) {
      throw new Error(`Not true after ${seconds} s: ${fact}. The last look: ${describe(answer)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

function describe(answer: unknown): string {
  return (JSON.stringify(answer) ?? String(answer)).slice(0, 4000);
}
