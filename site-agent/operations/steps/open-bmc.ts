// The host's BMC with its credentials opened.
import { z } from "zod";
import { toHex } from "../../../shared/bytes.ts";
import type { Bmc } from "../../bmc/port.ts";
import { bmcFailures } from "../failure-kinds.table.ts";
import { fail, valueOf, type Context } from "../operation-context.ts";

const credentialsJson = z.object({ username: z.string(), password: z.string() });

export async function openBmc(
  context: Pick<Context, "document" | "site" | "sendFence">,
): Promise<Bmc> {
  const { spec, hostUid } = context.document;
  if (spec.credentials === undefined) {
    fail("secret", "The BMC credentials have not arrived at this site yet.");
  }
  const opened = valueOf(
    await context.site.openSecret(spec.credentials, {
      hostUid,
      purpose: "bmc",
      bmcAddress: spec.bmcAddress,
    }),
    { secret: "secret" },
  );
  const access = {
    address: spec.bmcAddress,
    ...readCredentials(opened),
    credentialsVersion: versionOf(context.site, opened),
  };
  const bmc = context.site.bmcs.bmc(access, context.sendFence);
  return valueOf(bmc, bmcFailures);
}

/**
 * By what they are, not by the Secret's resourceVersion: a label on the Secret, as our own claim sets one, must not
 * buy the BMC more logins with a wrong password. Keyed, so that it tells nobody anything.
 */
function versionOf({ crypto, credentialsKey }: Context["site"], opened: Uint8Array): string {
  return toHex(crypto.hmac("sha256", credentialsKey, opened));
}

/** The sealed text is JSON {"username","password"}. A parser's own message would quote it. */
function readCredentials(bytes: Uint8Array): { username: string; password: string } {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = undefined;
  }
  const parsed = credentialsJson.safeParse(value);
  return parsed.success
    ? parsed.data
    : fail("secret", 'The BMC Secret needs the keys "username" and "password".');
}
