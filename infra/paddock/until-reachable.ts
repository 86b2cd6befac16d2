// Waits until a server of ours answers with 200, or has ended.
import { readFile } from "node:fs/promises";
import { request } from "node:https";

const withinMs = 30_000;

/** @param failure says why the program is gone, once it is */
export async function untilReachable(
  url: string,
  caFile: string,
  failure: () => string | undefined,
): Promise<void> {
  const ca = await readFile(caFile);
  const until = Date.now() + withinMs;
  while (Date.now() < until) {
    const gone = failure();
    if (gone !== undefined) throw new Error(gone);
    if ((await statusOf(url, ca)) === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not answer with 200 within ${withinMs / 1000} s`);
}

function statusOf(url: string, ca: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(url, { ca, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.once("timeout", () => sent.destroy());
    sent.once("error", () => resolve(0));
    sent.end();
  });
}
