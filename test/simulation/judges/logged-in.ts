// Which agents are logged in to which BMC, and with which of its passwords. Who is in with the valid one has nothing to
// try when the Secret comes to hold it.
import type { WorldEvent } from "../world/events.ts";
import type { MachineTruth } from "../world/truth.ts";

type Login = Extract<WorldEvent, { readonly kind: "login" }>;
type Ended = Extract<WorldEvent, { readonly kind: "ended" }>;

export class LoggedIn {
  /** Number of the password by agent, by machine. */
  readonly #numbers = new Map<string, Map<string, number>>();

  onLogin({ machine, ok, passwordNumber, agent }: Login): void {
    if (agent === undefined) return;
    const numbers = this.#numbers.get(machine) ?? new Map<string, number>();
    this.#numbers.set(machine, numbers);
    if (ok && passwordNumber !== undefined) numbers.set(agent, passwordNumber);
    else numbers.delete(agent);
  }

  onEnded({ process }: Ended): void {
    for (const numbers of this.#numbers.values()) numbers.delete(process);
  }

  /** Some agent that runs. */
  withValid({ name, passwordNumber }: MachineTruth): boolean {
    return [...(this.#numbers.get(name)?.values() ?? [])].includes(passwordNumber);
  }
}
