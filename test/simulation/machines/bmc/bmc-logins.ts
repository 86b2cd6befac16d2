// Who may log in to a simulated BMC, and what came of each try: all passwords that it ever had by number, the lockout.
import type {
  LoginAttempt,
  LoginWatch,
} from "../../../../infra/lab/bmc-simulator/session-setup.ts";
import type { SimulatedUser } from "../../../../infra/lab/bmc-simulator/session-table.ts";
import type { BmcOptions } from "./simulated-bmc.ts";

type Options = Pick<
  BmcOptions,
  "name" | "kernel" | "tell" | "user" | "password" | "quirk" | "agentOf" | "trials"
>;

export class BmcLogins implements LoginWatch {
  /** Nobody while it is locked. */
  readonly users: SimulatedUser[] = [];
  /** Logins that failed since the last success. */
  failed = 0;
  readonly #options: Options;
  /** The last one is valid. */
  readonly #passwords: string[] = [];
  #lockedOut = false;

  constructor(options: Options) {
    this.#options = options;
    this.changePassword(options.password);
  }

  /** How many it has had. */
  get passwordNumber(): number {
    return this.#passwords.length;
  }

  get password(): string {
    return this.#passwords.at(-1) ?? "";
  }

  get lockedOut(): boolean {
    return this.#lockedOut;
  }

  /** Open sessions stay open. Returns its number. */
  changePassword(password: string): number {
    this.#passwords.push(password);
    this.#letIn();
    return this.#passwords.length;
  }

  asked(attempt: LoginAttempt): void {
    // What RAKP 2 is made with: changed while it is on its way, it still fits.
    const { password: asked } = this;
    this.#options.trials?.wait(attempt.bmcSessionId, (key) => {
      const tried = Buffer.from(key).toString("utf8");
      // With the right one the agent goes on, and the BMC sees how that ends.
      if (tried === asked) return;
      this.#failed(
        attempt,
        this.#numberOf((password) => password === tried),
      );
    });
  }

  ended(attempt: LoginAttempt, ok: boolean, proves: (password: string) => boolean): void {
    this.#options.trials?.forget(attempt.bmcSessionId);
    const number = this.#numberOf(proves);
    if (!ok) return this.#failed(attempt, number);
    this.failed = 0;
    this.#tell(attempt, true, number);
  }

  #failed(attempt: LoginAttempt, number: number | undefined): void {
    const { quirk, kernel } = this.#options;
    this.#tell(attempt, false, number);
    if (this.#lockedOut) return;
    this.failed += 1;
    if (quirk.lockout === undefined || this.failed < quirk.lockout.failures) return;
    this.#lockedOut = true;
    this.users.length = 0;
    kernel.timer(quirk.lockout.lastsMs, () => {
      this.#lockedOut = false;
      this.failed = 0;
      this.#letIn();
    });
  }

  #letIn(): void {
    if (this.#lockedOut) return;
    const { user: name } = this.#options;
    this.users.splice(0, Infinity, { name, password: this.password, privilege: "administrator" });
  }

  /** Of the newest that fits; 1 for the first. */
  #numberOf(isIt: (password: string) => boolean): number | undefined {
    const index = this.#passwords.findLastIndex(isIt);
    return index < 0 ? undefined : index + 1;
  }

  #tell({ user, from }: LoginAttempt, ok: boolean, passwordNumber: number | undefined): void {
    const { name: machine, agentOf, tell } = this.#options;
    const agent = agentOf(from);
    tell({ kind: "login", machine, user, ok, passwordNumber, agent });
  }
}
