// All BMCs of the site. Hosts that name the same physical BMC share its endpoint: one session, one
// queue, one login budget. Speaks IPMI; other protocols are an "address" error for now.
import { err, ok, quote } from "../../shared/result.ts";
import { parseBmcAddress } from "../../shared/metal3/bmc-address.ts";
import type { CipherSuiteId } from "../../shared/wire/ipmi/cipher-suites.table.ts";
import { makeIpmiBmc } from "./ipmi/ipmi-bmc.ts";
import { IpmiEndpoint } from "./ipmi/ipmi-endpoint.ts";
import type { IpmiPorts } from "./ipmi/ipmi-endpoint.ts";
import type { BmcFleet } from "./port.ts";

export interface BmcFleetOptions extends IpmiPorts {
  /** Cipher suite to try first, by endpoint (host:port). What worked is remembered anyway. */
  readonly suiteHints?: Readonly<Record<string, CipherSuiteId>>;
}

export function makeBmcFleet(options: BmcFleetOptions): BmcFleet {
  const endpoints = new Map<string, IpmiEndpoint>();
  let isClosed = false;
  return {
    bmc(access, fence) {
      const parsed = parseBmcAddress(access.address);
      if (!parsed.ok) return parsed;
      const { scheme, endpoint: name, host, port, privilege } = parsed.value;
      if (scheme.protocol !== "ipmi") {
        return err(
          "address",
          `bmc.address scheme ${quote(scheme.name)} is not supported yet by this agent; use ipmi`,
        );
      }
      let endpoint = endpoints.get(name);
      if (endpoint === undefined) {
        const suiteHint = options.suiteHints?.[name];
        const target = { name, host, port, ...(suiteHint === undefined ? {} : { suiteHint }) };
        endpoint = new IpmiEndpoint(options, target);
        if (isClosed) endpoint.close();
        endpoints.set(name, endpoint);
      }
      const { username, password, credentialsVersion: version } = access;
      const credentials = { username, password, version, privilege };
      return ok(makeIpmiBmc(endpoint, credentials, { name, log: options.log, fence }));
    },
    async close() {
      isClosed = true;
      for (const endpoint of endpoints.values()) endpoint.close();
    },
  };
}
