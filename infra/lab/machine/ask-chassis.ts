// Asks a machine's chassis socket one thing, as a BMC does. The words are in chassis-server.ts.

import { createConnection } from "node:net";

/**
 * Returns the answer's lines without the closing "ok". Throws when the machine says that it cannot,
 * or the lab is gone.
 */
export async function askChassis(socketPath: string, ...words: string[]): Promise<string[]> {
  const text = await new Promise<string>((resolve, reject) => {
    const socket = createConnection(socketPath, () => socket.end(`${words.join(" ")}\n`));
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => {
      answer += part;
    });
    socket.once("error", reject);
    socket.once("close", () => resolve(answer));
  });
  const lines = text.split("\n").filter((line) => line !== "");
  if (lines.pop() === "ok") return lines;
  throw new Error(`The machine at ${socketPath} answered: ${text.trim()}`);
}
