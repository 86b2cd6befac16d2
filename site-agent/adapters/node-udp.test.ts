import { describe, expect, it } from "vitest";
import type { UdpAddress, UdpSocket } from "../ports.ts";
import { makeNodeUdp } from "./node-udp.ts";

const udp = makeNodeUdp();

async function open(address: string, onMessage: (text: string, from: UdpAddress) => void) {
  const bound = await udp.bind({
    address,
    port: 0,
    onMessage: (data, from) => onMessage(new TextDecoder().decode(data), from),
  });
  if (!bound.ok) throw new Error(bound.error.message);
  return bound.value;
}

/** A socket and the first datagram that it gets. */
async function openReceiver(address: string) {
  const first = Promise.withResolvers<{ text: string; from: UdpAddress }>();
  const socket = await open(address, (text, from) => first.resolve({ text, from }));
  return { socket, first: first.promise };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("Node's UDP", () => {
  it.each(["127.0.0.1", "::1"])("carries datagrams both ways on %s", async (address) => {
    const server = await openReceiver(address);
    const client = await openReceiver(address);
    client.socket.send(bytes("ping"), server.socket.local);
    const { text, from } = await server.first;
    expect(text).toBe("ping");
    expect(from).toEqual(client.socket.local);
    server.socket.send(bytes("pong"), from);
    expect((await client.first).text).toBe("pong");
    server.socket.close();
    client.socket.close();
  });

  it("sends to a name", async () => {
    const server = await openReceiver("127.0.0.1");
    const client = await open("0.0.0.0", () => {});
    client.send(bytes("ping"), { address: "localhost", port: server.socket.local.port });
    expect((await server.first).text).toBe("ping");
    server.socket.close();
    client.close();
  });

  it("still sends what was given to it before it was closed", async () => {
    const server = await openReceiver("127.0.0.1");
    const client = await open("127.0.0.1", () => {});
    client.send(bytes("last words"), server.socket.local);
    client.close();
    client.close();
    client.send(bytes("too late"), server.socket.local);
    expect((await server.first).text).toBe("last words");
    server.socket.close();
  });

  it("goes on when a datagram cannot be sent", async () => {
    const server = await openReceiver("127.0.0.1");
    const client = await open("127.0.0.1", () => {});
    client.send(new Uint8Array(70_000), server.socket.local);
    client.send(bytes("ping"), server.socket.local);
    expect((await server.first).text).toBe("ping");
    server.socket.close();
    client.close();
  });

  it("says in-use when the port is taken", async () => {
    const taken: UdpSocket = await open("127.0.0.1", () => {});
    const again = await udp.bind({ ...taken.local, onMessage() {} });
    expect(again).toMatchObject({ ok: false, error: { kind: "in-use" } });
    taken.close();
  });

  it("says denied when the address is not ours", async () => {
    const bound = await udp.bind({ address: "192.0.2.1", port: 0, onMessage() {} });
    expect(bound).toMatchObject({ ok: false, error: { kind: "denied" } });
  });

  it("says unsupported when asked to bind to an interface", async () => {
    const bound = await udp.bind({ address: "0.0.0.0", port: 0, device: "lo", onMessage() {} });
    expect(bound).toMatchObject({ ok: false, error: { kind: "unsupported" } });
  });
});
