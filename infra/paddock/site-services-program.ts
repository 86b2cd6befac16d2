// A program inside the lab: an HTTP server with Range for image files, and an address that machines call when
// their operating system is up. Calls are printed as JSON lines. It stands where a user's own servers would.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { basename, join } from "node:path";

const [address = "", port = "", directory = ""] = process.argv.slice(2);

createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://site");
  if (url.pathname.startsWith("/images/"))
    serveFile(join(directory, basename(url.pathname)), request, response);
  else if (url.pathname.startsWith("/called/")) takeCall(url, request, response);
  else response.writeHead(404).end();
}).listen(Number(port), address, () =>
  console.log(JSON.stringify({ listening: `${address}:${port}` })),
);

function serveFile(path: string, request: IncomingMessage, response: ServerResponse): void {
  if (!existsSync(path)) {
    response.writeHead(404).end("no such image\n");
    return;
  }
  const { size, mtimeMs } = statSync(path);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const start = range === null ? 0 : Number(range[1]);
  const end = range === null || range[2] === "" ? size - 1 : Math.min(Number(range[2]), size - 1);
  const headers: Record<string, string | number> = {
    "content-length": end - start + 1,
    "accept-ranges": "bytes",
    etag: `"${size}-${mtimeMs}"`,
  };
  if (range !== null) headers["content-range"] = `bytes ${start}-${end}/${size}`;
  response.writeHead(range === null ? 200 : 206, headers);
  if (request.method === "HEAD") response.end();
  else createReadStream(path, { start, end, highWaterMark: 1_048_576 }).pipe(response);
}

function takeCall(url: URL, request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const call = {
      called: decodeURIComponent(url.pathname.slice("/called/".length)),
      query: Object.fromEntries(url.searchParams),
      body: Buffer.concat(chunks).toString("utf8").slice(0, 10_000),
      from: request.socket.remoteAddress,
      atMs: Date.now(),
    };
    console.log(JSON.stringify(call));
    response.writeHead(200).end("heard\n");
  });
}
