// register: log in to the BMC, identify it, read the power. Changes nothing.
import { bmcFailures } from "./failure-kinds.table.ts";
import { valueOf, type RunOperation } from "./operation-context.ts";
import { openBmc } from "./steps/open-bmc.ts";
import { readPower } from "./steps/power-control.ts";

export const register: RunOperation<"register"> = async (context) => {
  context.report({ step: "Registering" });
  const bmc = await openBmc(context);
  const identity = valueOf(await bmc.identify(), bmcFailures);
  return {
    kind: "register",
    on: await readPower(context, bmc),
    protocol: identity.protocol,
    manufacturerId: identity.manufacturerId,
    firmware: identity.firmware,
    credentialsVersion: context.document.spec.credentials?.context.secretVersion ?? "",
  };
};
