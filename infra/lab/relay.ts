// Lets machines of a lab reach one server outside: nothing else behind the site's agent is there for them.
import type { LabHandle } from "./start-lab.ts";

const program = new URL("relay-program.ts", import.meta.url).pathname;

/** Returns the URL of the same server as the site's machines reach it. Ends with the lab. */
export function relayInto(lab: LabHandle, outside: string, port: number): string {
  const url = new URL(outside);
  const argv = [program, lab.siteAddress, String(port), url.hostname, url.port];
  lab.spawn([process.execPath, ...argv], { logFile: `${lab.directory}/relay-${port}.log` });
  url.hostname = lab.siteAddress;
  url.port = String(port);
  return url.origin;
}
