// Which agents are logged in to which BMC, and with which of its passwords. Who is in with the valid one has nothing to
// try when the Secret comes to hold it; who is in with an older one has not heard that it is refused.
import type { WorldEvent } from "../world/events.ts";
import type { MachineTruth } from "../world/truth.ts";

type Login = Extract<WorldEvent, { readonly kind: "login" }>;
type Ended = Extract<WorldEvent, { readonly kind: "ended" }>;

export class LoggedIn {
  /** Number of the password by agent, by machine. */
  readonly #numbers = new Map<string, Map<string, number>>();

  /** Who was refused last, by machine. */
  readonly #refused = new Map<string, string>();

  onLogin({ machine, ok, passwordNumber, agent }: Login): void {
    if (agent === undefined) return;
    const numbers = this.#numbers.get(machine) ?? new Map<string, number>();
    this.#numbers.set(machine, numbers);
    if (ok && passwordNumber !== undefined) numbers.set(agent, passwordNumber);
    else numbers.delete(agent);
    if (!ok) this.#refused.set(machine, agent);
  }

  onEnded({ process }: Ended): void {
    for (const numbers of this.#numbers.values()) numbers.delete(process);
  }

  /** Some agent that runs. */
  withValid({ name, passwordNumber }: MachineTruth): boolean {
    return [...(this.#numbers.get(name)?.values() ?? [])].includes(passwordNumber);
  }

  /** The refusal of an agent that has ended is known to nobody: another one needed no login. */
  isForgotten(machine: string, endedAgent: string): boolean {
    const others = this.#numbers.get(machine)?.size ?? 0;
    return this.#refused.get(machine) === endedAgent && others > 0;
  }
}
