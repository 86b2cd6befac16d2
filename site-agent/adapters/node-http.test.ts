// Server, client and duplex against each other and against plain sockets that misbehave.

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { X509Certificate } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { certPem, keyPem } from "../../test/support/test-certificate.ts";
import type { Duplex, HttpRequest, HttpResponse, ServerOptions } from "../ports.ts";
import { makeNodeDuplexClient } from "./node-duplex-client.ts";
import { makeNodeHttpClient } from "./node-http-client.ts";
import { makeNodeHttpServer } from "./node-http-server.ts";

const fingerprint = new X509Certificate(certPem).fingerprint256;

const client = makeNodeHttpClient();
const closers: (() => unknown)[] = [];
const logged: string[] = [];
const log = {
  info: () => {},
  warn: () => {},
  error: (message: string) => void logged.push(message),
};

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  logged.length = 0;
});

async function serve(
  handle: ServerOptions["handle"],
  more: Partial<ServerOptions> = {},
): Promise<number> {
  const server = makeNodeHttpServer({ log });
  const listening = await server.listen({ address: "127.0.0.1", port: 0, handle, ...more });
  if (!listening.ok) throw new Error(listening.error.message);
  closers.push(() => listening.value.close());
  return listening.value.port;
}

/** A peer that answers every connection with these bytes, whatever it is asked, and hangs up. */
async function servePlain(onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume();
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function get(port: number, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: "GET", url: `http://127.0.0.1:${port}/x?y=1`, timeoutMs: 5000, ...more };
}

async function bodyText(response: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const item of response.body) {
    if (!item.ok) return `error: ${item.error.kind}`;
    chunks.push(item.value);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function bodyOfGet(request: HttpRequest): Promise<string> {
  const response = await client.request(request);
  return response.ok ? bodyText(response.value) : `no response: ${response.error.kind}`;
}

describe("node http client", () => {
  it("gives status, headers and body when the server answers", async () => {
    const port = await serve(async (request) => ({
      status: 404,
      headers: { "x-path": request.path, "x-sent": request.headers["x-sent"] ?? "" },
      body: new TextEncoder().encode("gone"),
    }));
    const response = await client.request(get(port, { headers: { "x-sent": "yes" } }));
    if (!response.ok) throw new Error(response.error.message);
    expect(response.value.status).toBe(404);
    expect(response.value.headers).toMatchObject({ "x-path": "/x?y=1", "x-sent": "yes" });
    expect(await bodyText(response.value)).toBe("gone");
  });

  it("reports a truncated transfer when fewer bytes come than Content-Length says", async () => {
    const port = await servePlain((socket) => {
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    });
    expect(await bodyOfGet(get(port))).toBe("error: truncated");
  });

  it("reports a truncated transfer when the last chunk is missing", async () => {
    const port = await servePlain((socket) => {
      socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    });
    expect(await bodyOfGet(get(port))).toBe("error: truncated");
  });

  it("returns the redirect itself when it is redirected", async () => {
    const port = await serve(async () => ({ status: 302, headers: { location: "/elsewhere" } }));
    const response = await client.request(get(port));
    expect(response.ok && response.value.status).toBe(302);
    expect(response.ok && response.value.headers["location"]).toBe("/elsewhere");
  });

  it("times out when the server accepts and says nothing", async () => {
    const port = await servePlain(() => {});
    expect(await bodyOfGet(get(port, { timeoutMs: 300 }))).toBe("no response: timeout");
  });

  it("times out when the body stalls", async () => {
    const port = await servePlain((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    });
    expect(await bodyOfGet(get(port, { timeoutMs: 300 }))).toBe("error: timeout");
  });

  it("drops the connection when nobody reads the body", async () => {
    let socketClosed: Promise<unknown> | undefined;
    const port = await servePlain((socket) => {
      socketClosed = once(socket, "close");
      socket.write("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nhalf");
    });
    const response = await client.request(get(port, { timeoutMs: 300 }));
    expect(response.ok && response.value.status).toBe(500);
    await socketClosed;
  });

  it("stops when it is aborted, before and during the transfer", async () => {
    const port = await servePlain((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    });
    const late = new AbortController();
    const response = await client.request(get(port, { signal: late.signal }));
    if (!response.ok) throw new Error(response.error.message);
    const kinds: string[] = [];
    for await (const item of response.value.body) {
      kinds.push(item.ok ? "data" : item.error.kind);
      late.abort();
    }
    expect(kinds).toEqual(["data", "aborted"]);
    expect(await bodyOfGet(get(port, { signal: late.signal }))).toBe("no response: aborted");
  });

  it("is unreachable when nobody listens, the URL is no URL, or the answer is not HTTP", async () => {
    const gone = await servePlain(() => {});
    await closers.pop()?.();
    expect(await bodyOfGet(get(gone))).toBe("no response: unreachable");
    expect(await bodyOfGet(get(1, { url: "file:///etc/passwd" }))).toBe("no response: unreachable");
    const port = await servePlain((socket) => socket.end("SSH-2.0-OpenSSH\r\n"));
    expect(await bodyOfGet(get(port))).toBe("no response: unreachable");
  });

  it("sends nothing when the name leads to an address that is not allowed", async () => {
    let asked = 0;
    const port = await serve(async () => {
      asked += 1;
      return { status: 200 };
    });
    const url = `http://localhost:${port}/`;
    const seen: string[] = [];
    const refuse = (address: string): boolean => seen.push(address) < 0;
    const response = await client.request(get(port, { url, allowAddress: refuse }));
    expect(!response.ok && response.error.message).toMatch(/127\.0\.0\.1, which is not allowed/);
    expect(seen).toEqual(["127.0.0.1"]);
    expect(asked).toBe(0);
    const allowed = await client.request(get(port, { url, allowAddress: () => true }));
    expect(allowed.ok && allowed.value.status).toBe(200);
  });

  it("lets the server wait when the body is read slowly", async () => {
    let produced = 0;
    const port = await serve(async () => ({
      status: 200,
      body: (async function* () {
        for (; produced < 64; produced += 1) yield new Uint8Array(1024 * 1024);
      })(),
    }));
    const response = await client.request(get(port));
    if (!response.ok) throw new Error(response.error.message);
    const body = response.value.body[Symbol.asyncIterator]();
    await body.next();
    // A second exchange over the same loopback gives the first one time to run ahead, if it would.
    for (let i = 0; i < 20; i += 1)
      await bodyOfGet(get(await serve(async () => ({ status: 200 }))));
    expect(produced).toBeLessThan(32);
    await body.return?.();
  });
});

describe("TLS", () => {
  const hello: ServerOptions["handle"] = async () => ({
    status: 200,
    body: new TextEncoder().encode("hello"),
  });
  const tls = { keyPem, certPem };

  it("talks when the fingerprint is the pinned one, in either spelling", async () => {
    const url = `https://127.0.0.1:${await serve(hello, { tls })}/`;
    expect(await bodyOfGet(get(0, { url, fingerprint }))).toBe("hello");
    const plain = fingerprint.replaceAll(":", "").toLowerCase();
    expect(await bodyOfGet(get(0, { url, fingerprint: plain }))).toBe("hello");
  });

  it("sends nothing when the fingerprint is another", async () => {
    let asked = 0;
    const port = await serve(
      async () => {
        asked += 1;
        return { status: 200 };
      },
      { tls },
    );
    const url = `https://127.0.0.1:${port}/`;
    const request = get(0, { url, fingerprint: "00".repeat(32), method: "POST" });
    expect(await bodyOfGet({ ...request, body: new Uint8Array(10) })).toBe("no response: tls");
    expect(asked).toBe(0);
  });

  it("talks when the certificate comes from the given root, and not otherwise", async () => {
    const url = `https://localhost:${await serve(hello, { tls, address: "localhost" })}/`;
    expect(await bodyOfGet(get(0, { url, ca: certPem }))).toBe("hello");
    expect(await bodyOfGet(get(0, { url }))).toBe("no response: tls");
  });

  it("keeps a connection for the next request where that is asked for, but not for other trust", async () => {
    const ports: number[] = [];
    const port = await serve(
      async ({ remote }) => {
        ports.push(remote.port);
        return { status: 200, body: new TextEncoder().encode("hello") };
      },
      { tls },
    );
    const url = `https://127.0.0.1:${port}/`;
    const kept = { url, fingerprint, keepConnection: true };
    const post = { ...get(0, kept), method: "POST", body: new Uint8Array(10) } as const;
    for (let at = 0; at < 3; at += 1) expect(await bodyOfGet(post)).toBe("hello");
    expect(new Set(ports).size).toBe(1);
    expect(await bodyOfGet(get(0, { ...kept, fingerprint: "00".repeat(32) }))).toBe(
      "no response: tls",
    );
    expect(await bodyOfGet(get(0, { url, fingerprint }))).toBe("hello");
    expect(new Set(ports).size).toBe(2);
  });

  it("connects anew when a kept connection turns out to be closed, and says so when it cannot", async () => {
    const server = createTlsServer({ cert: certPem, key: keyPem }, (socket) => {
      socket.on("error", () => {});
      let asked = 0;
      socket.on("data", () => {
        asked += 1;
        // The second request on a connection meets a server that is just closing it.
        if (asked > 1) socket.destroy();
        else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const request = get(0, { url, fingerprint, keepConnection: true });
    expect(await bodyOfGet(request)).toBe("hello");
    expect(await bodyOfGet(request)).toBe("hello");
    server.close();
    await once(server, "close");
    expect(await bodyOfGet(request)).toBe("no response: unreachable");
  });

  it("fails when the server speaks no TLS", async () => {
    const url = `https://127.0.0.1:${await serve(hello)}/`;
    expect(await bodyOfGet(get(0, { url, fingerprint }))).toBe("no response: tls");
  });
});

describe("node http server", () => {
  it("sends head and length only when the method is HEAD", async () => {
    let pulled = false;
    const port = await serve(async () => ({
      status: 200,
      headers: { "content-length": "1000" },
      body: (async function* () {
        pulled = true;
        yield new Uint8Array(1000);
      })(),
    }));
    const response = await client.request(get(port, { method: "HEAD" }));
    expect(response.ok && response.value.headers["content-length"]).toBe("1000");
    expect(response.ok && (await bodyText(response.value))).toBe("");
    expect(pulled).toBe(false);
  });

  it("breaks the transfer off when the body ends early or throws", async () => {
    const short = await serve(async () => ({
      status: 200,
      headers: { "content-length": "1000" },
      body: (async function* () {
        yield new Uint8Array(10);
      })(),
    }));
    const noWhole = /^(error: truncated|no response: unreachable)$/;
    expect(await bodyOfGet(get(short))).toMatch(noWhole);
    const broken = await serve(async () => ({
      status: 200,
      body: (async function* () {
        yield new Uint8Array(10);
        throw new Error("disk gone");
      })(),
    }));
    expect(await bodyOfGet(get(broken))).toMatch(noWhole);
    expect(logged).toEqual(["http request failed", "http request failed"]);
  });

  it("answers 500 and says so in the log when the handler throws", async () => {
    const port = await serve(() => Promise.reject(new Error("bug")));
    const response = await client.request(get(port));
    expect(response.ok && response.value.status).toBe(500);
    expect(logged).toEqual(["http request failed"]);
  });

  it("ends the body's iterator when the client hangs up", async () => {
    const ended = Promise.withResolvers<void>();
    const port = await serve(async () => ({
      status: 200,
      body: (async function* () {
        try {
          for (;;) yield new Uint8Array(1024 * 1024);
        } finally {
          ended.resolve();
        }
      })(),
    }));
    const response = await client.request(get(port));
    if (!response.ok) throw new Error(response.error.message);
    for await (const item of response.value.body) {
      expect(item.ok).toBe(true);
      break;
    }
    await ended.promise;
  });

  it("hands over bodies where they are asked for, and refuses larger ones", async () => {
    const handle: ServerOptions["handle"] = async ({ body }) => ({
      status: 200,
      body: new TextEncoder().encode(String(body?.length)),
    });
    const post = async (port: number, bytes: number) => {
      const body = new Uint8Array(bytes);
      const answer = await client.request(get(port, { method: "POST", body }));
      if (!answer.ok) throw new Error(answer.error.message);
      let text = "";
      for await (const chunk of answer.value.body) {
        text += chunk.ok ? Buffer.from(chunk.value).toString() : "?";
      }
      return [answer.value.status, text];
    };
    const port = await serve(handle, { maxBodyBytes: 10 });
    expect(await post(port, 10)).toEqual([200, "10"]);
    expect(await post(port, 0)).toEqual([200, "0"]);
    expect(await post(port, 11)).toEqual([413, ""]);
    expect(await post(await serve(handle), 5)).toEqual([200, "undefined"]);
  });

  it("says in-use or denied when it cannot listen", async () => {
    const port = await serve(async () => ({ status: 200 }));
    const server = makeNodeHttpServer({ log });
    const handle: ServerOptions["handle"] = async () => ({ status: 200 });
    const again = await server.listen({ address: "127.0.0.1", port, handle });
    expect(again.ok ? "listening" : again.error.kind).toBe("in-use");
    const foreign = await server.listen({ address: "192.0.2.1", port: 0, handle });
    expect(foreign.ok ? "listening" : foreign.error.kind).toBe("denied");
  });
});

describe("duplex", () => {
  const protocol = "farrier.ramdisk.v1";
  const handle: ServerOptions["handle"] = async () => ({ status: 426 });
  const duplexClient = makeNodeDuplexClient();

  async function pair(limits?: { maxMessageBytes: number; maxBufferedBytes: number }): Promise<{
    here: Duplex;
    there: Duplex;
  }> {
    const arrived = Promise.withResolvers<Duplex>();
    const port = await serve(handle, {
      tls: { keyPem, certPem },
      upgrade: (_request, duplex) => arrived.resolve(duplex),
    });
    const client = limits === undefined ? duplexClient : makeNodeDuplexClient(limits);
    const url = `wss://127.0.0.1:${port}/ramdisk`;
    const opened = await client.connect({ url, protocol, fingerprint, timeoutMs: 5000 });
    if (!opened.ok) throw new Error(opened.error.message);
    return { here: opened.value, there: await arrived.promise };
  }

  const nextMessage = (duplex: Duplex): Promise<string> =>
    new Promise((resolve) => duplex.onMessage(resolve));
  const nextClose = (duplex: Duplex): Promise<[number, string]> =>
    new Promise((resolve) => duplex.onClose((code, reason) => resolve([code, reason])));

  it("carries texts both ways and keeps what comes before anybody listens", async () => {
    const { here, there } = await pair();
    expect(there.send("first from there")).toBe(true);
    expect(here.send("from here ☺")).toBe(true);
    expect(await nextMessage(there)).toBe("from here ☺");
    expect(await nextMessage(here)).toBe("first from there");
  });

  it("gives code and reason to the other end and refuses to send when it was closed", async () => {
    const { here, there } = await pair();
    there.onMessage(() => {});
    const closed = nextClose(there);
    here.close(4001, "superseded".repeat(20));
    expect(here.send("late")).toBe(false);
    expect(await closed).toEqual([4001, "superseded".repeat(20).slice(0, 123)]);
    expect(await nextClose(here)).toEqual([4001, "superseded".repeat(20).slice(0, 123)]);
  });

  it("refuses to send when too much waits for a peer that does not read", async () => {
    const { here } = await pair({
      maxMessageBytes: 1024 * 1024,
      maxBufferedBytes: 4 * 1024 * 1024,
    });
    const text = "x".repeat(1024 * 1024);
    let sent = 0;
    while (here.send(text) && sent < 100) sent += 1;
    expect(sent).toBeLessThan(100);
  });

  it("closes with 1009 when a message is longer than the cap", async () => {
    const { here, there } = await pair({ maxMessageBytes: 1000, maxBufferedBytes: 1000 });
    here.onMessage(() => {});
    there.onMessage(() => {});
    const closed = nextClose(there);
    there.send("x".repeat(1001));
    expect((await closed)[0]).toBe(1009);
  });

  it("is refused when it asks for another subprotocol or the server takes no upgrades", async () => {
    const takes = await serve(handle, { upgrade: () => {} });
    const refuses = await serve(handle);
    const kind = async (port: number, asked: string): Promise<string> => {
      const url = `ws://127.0.0.1:${port}/`;
      const opened = await duplexClient.connect({ url, protocol: asked, timeoutMs: 5000 });
      return opened.ok ? "open" : opened.error.kind;
    };
    expect(await kind(takes, protocol)).toBe("open");
    expect(await kind(takes, "other.v1")).toBe("refused");
    expect(await kind(refuses, protocol)).toBe("refused");
  });

  it("times out when the server accepts and says nothing", async () => {
    const port = await servePlain(() => {});
    const url = `ws://127.0.0.1:${port}/`;
    const opened = await duplexClient.connect({ url, protocol, timeoutMs: 300 });
    expect(opened.ok ? "open" : opened.error.kind).toBe("timeout");
  });
});
