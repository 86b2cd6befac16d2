// The site's own servers for a lab: images over HTTP and the call-backs of machines that have booted.
import { readFile } from "node:fs/promises";
import type { LabHandle } from "../lab/start-lab.ts";

const port = 9000;
const program = new URL("site-services-program.ts", import.meta.url).pathname;

export interface CallBack {
  /** The path below /called/. */
  readonly called: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string;
  readonly from: string;
  readonly atMs: number;
}

export interface SiteServices {
  /** Where a machine of the site fetches the file of this name. */
  imageUrl(fileName: string): string;
  /** Where a machine calls when it is up; `name` comes back in the call. */
  callBackUrl(name: string): string;
  calls(): Promise<CallBack[]>;
}

/** @param imageDirectory its files are served under their names */
export async function startSiteServices(
  lab: LabHandle,
  imageDirectory: string,
): Promise<SiteServices> {
  const logFile = `${lab.directory}/site-services.log`;
  const base = `http://${lab.siteAddress}:${port}`;
  lab.spawn([process.execPath, program, lab.siteAddress, String(port), imageDirectory], {
    logFile,
  });
  const lines = async () =>
    (await readFile(logFile, "utf8").catch(() => ""))
      .split("\n")
      .filter((line) => line.startsWith("{"));
  while ((await lines()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return {
    imageUrl: (fileName) => `${base}/images/${fileName}`,
    callBackUrl: (name) => `${base}/called/${name}`,
    async calls() {
      const parsed = (await lines()).map(
        (line) => JSON.parse(line) as CallBack | { listening: string },
      );
      return parsed.filter((line): line is CallBack => "called" in line);
    },
  };
}
