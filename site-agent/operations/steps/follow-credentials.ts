// A BMC for the end of work that is past its point of no return: that is finished, so that a password which is changed
// meanwhile, at the BMC and in the Secret, must not cost what was written.
import type { HostDocument } from "../../../shared/protocol/host-document.ts";
import type { Result } from "../../../shared/result.ts";
import type { Bmc, BmcErrorKind } from "../../bmc/port.ts";
import type { Context } from "../operation-context.ts";
import { openBmc } from "./open-bmc.ts";

/** Goes over to the newest credentials of the same BMC when it lets nobody in with those it has, and stays with them. */
export async function openFollowing(context: Context): Promise<Bmc> {
  let { document } = context;
  let bmc = await openBmc(context);
  const call = async <T>(
    ask: (bmc: Bmc) => Promise<Result<T, BmcErrorKind>>,
  ): Promise<Result<T, BmcErrorKind>> => {
    const result = await ask(bmc);
    if (result.ok || !isRefusal(result.error.kind)) return result;
    const newest = context.newest();
    if (newest === undefined || !mayFollow(context, document, newest)) return result;
    bmc = await openBmc({ ...context, document: newest });
    document = newest;
    return await ask(bmc);
  };
  return {
    identify: () => call((each) => each.identify()),
    readPower: () => call((each) => each.readPower()),
    sendPower: (action) => call((each) => each.sendPower(action)),
    setBootDevice: (request) => call((each) => each.setBootDevice(request)),
  };
}

function mayFollow(context: Context, { spec }: HostDocument, { spec: now }: HostDocument): boolean {
  const isOther = now.credentials?.ciphertext !== spec.credentials?.ciphertext;
  const isThere = now.credentials !== undefined && now.bmcAddress === spec.bmcAddress;
  return context.depth() === "destroying" && isThere && isOther;
}

/** Nothing was done then, so that it may be asked anew. */
function isRefusal(kind: BmcErrorKind): boolean {
  return kind === "credentials" || kind === "login-budget";
}
