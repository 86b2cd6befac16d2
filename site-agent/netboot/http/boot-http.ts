// Boot files over plain HTTP, for iPXE and UEFI HTTP boot: the script, kernel and initrds of a MAC
// that is allowed at this moment, to the address that this MAC was given. Everything else is 404.

import { parseMac } from "../../../shared/mac.ts";
import type { Clock, Files, Log, ServerRequest, ServerResponse } from "../../ports.ts";
import { bootUrl, parseBootPath } from "../boot-target.ts";
import type { BootResource } from "../boot-target.ts";
import { parseByteRange } from "./byte-range.ts";
import type { ByteRange } from "./byte-range.ts";
import { renderIpxeScript } from "./ipxe-script.ts";
import type { Leases } from "../dhcp/leases.ts";
import type { NetbootConfig } from "../netboot-config.ts";
import type { BootSightingKind, NetbootEntry } from "../port.ts";
import type { Sightings } from "../sightings.ts";

export interface BootHttpOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: NetbootConfig;
  readonly leases: Leases;
  readonly sightings: Sightings;
  readonly entryOf: (mac: string) => NetbootEntry | undefined;
}

const chunkBytes = 1024 * 1024;

const notFound: ServerResponse = {
  status: 404,
  headers: { "content-type": "text/plain" },
  body: new TextEncoder().encode("Not found, or not allowed to boot at this moment\n"),
};

export function makeBootHttp(
  options: BootHttpOptions,
): (request: ServerRequest) => Promise<ServerResponse> {
  return async (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return { status: 405, headers: { allow: "GET, HEAD" } };
    }
    const path = request.path.split("?", 1)[0] ?? "";
    const asked = parseBootPath(path);
    const entry = asked === undefined ? undefined : allowedEntry(asked.mac, request, options);
    if (asked === undefined || entry === undefined) {
      options.log.warn("boot file refused", { path, address: request.remote.address });
      return notFound;
    }
    if (asked.resource.kind === "script") return serveScript(request, entry, options);
    const file = filePath(asked.resource, options.config);
    if (file === undefined) return notFound;
    return serveFile(request, { path: file, entry, resource: asked.resource }, options);
  };
}

/**
 * The script holds the host's boot token, so a MAC is served at its own address only. A machine that boots while the
 * agent is restarted has an address that the agent has forgotten: it is the one that it would be given again.
 */
function allowedEntry(
  macText: string,
  { remote }: ServerRequest,
  { leases, entryOf }: BootHttpOptions,
): NetbootEntry | undefined {
  const mac = parseMac(macText);
  if (!mac.ok) return undefined;
  const entry = entryOf(mac.value);
  const theirs = entry && leases.expected(mac.value, entry.address);
  return theirs === remote.address.replace(/^::ffff:/, "") ? entry : undefined;
}

function filePath(resource: BootResource, config: NetbootConfig): string | undefined {
  if (resource.kind === "kernel") return config.kernelPath;
  if (resource.kind === "initrd") return config.initrdPaths[resource.index];
  return resource.kind === "bootloader" ? config.bootFiles.uefi : undefined;
}

function serveScript(
  { method }: ServerRequest,
  { mac, kernelParameters }: NetbootEntry,
  { config, sightings }: BootHttpOptions,
): ServerResponse {
  const script = renderIpxeScript({
    kernelUrl: bootUrl(config, mac, "kernel"),
    initrdUrls: config.initrdPaths.map((_path, index) => bootUrl(config, mac, `initrd-${index}`)),
    kernelParameters: [...(config.kernelParameters ?? []), ...kernelParameters],
  });
  if (method === "GET") sightings.record(mac, "script", "script.ipxe");
  return {
    status: 200,
    headers: { "content-type": "text/plain" },
    body: new TextEncoder().encode(script),
  };
}

interface FileAsked {
  readonly path: string;
  readonly entry: NetbootEntry;
  readonly resource: BootResource;
}

async function serveFile(
  { method, headers }: ServerRequest,
  asked: FileAsked,
  options: BootHttpOptions,
): Promise<ServerResponse> {
  const sizeBytes = await sizeOf(asked.path, options);
  if (sizeBytes === undefined) return { status: 500 };
  const range = parseByteRange(headers["range"], sizeBytes);
  if (range === "unsatisfiable") {
    return { status: 416, headers: { "content-range": `bytes */${sizeBytes}` } };
  }
  const { from, to } = range ?? { from: 0, to: sizeBytes - 1 };
  const head = {
    status: range === undefined ? 200 : 206,
    headers: {
      "content-type": "application/octet-stream",
      "content-length": String(to - from + 1),
      "accept-ranges": "bytes",
      ...(range === undefined ? {} : { "content-range": `bytes ${from}-${to}/${sizeBytes}` }),
    },
  };
  return method === "HEAD" ? head : { ...head, body: stream({ from, to }, asked, options) };
}

async function sizeOf(path: string, { files, log }: BootHttpOptions): Promise<number | undefined> {
  const file = await files.open(path, "read");
  if (!file.ok) {
    log.error("boot file cannot be read", { error: file.error.message });
    return undefined;
  }
  await file.value.close();
  return file.value.sizeBytes;
}

/** Opens the file when the first piece is pulled: a body that nobody pulls holds nothing open. */
async function* stream(
  { from, to }: ByteRange,
  { path, entry, resource }: FileAsked,
  { files, clock, sightings }: BootHttpOptions,
): AsyncGenerator<Uint8Array, void> {
  const startedAt = clock.monotonicMs();
  const kind: BootSightingKind = resource.kind;
  const name = resource.kind === "initrd" ? `initrd ${resource.index}` : resource.kind;
  const size = `${((to - from + 1) / 1e6).toFixed(1)} MB`;
  sightings.record(entry.mac, kind, `${name}: ${size} asked for`);
  const file = await files.open(path, "read");
  if (!file.ok) throw new Error(file.error.message);
  try {
    for (let at = from; at <= to; at += chunkBytes) {
      const length = Math.min(chunkBytes, to - at + 1);
      const chunk = await file.value.read(at, length);
      if (!chunk.ok) throw new Error(chunk.error.message);
      if (chunk.value.length < length) throw new Error(`Boot file "${path}" became shorter`);
      yield chunk.value;
    }
  } finally {
    await file.value.close();
  }
  const seconds = ((clock.monotonicMs() - startedAt) / 1000).toFixed(1);
  sightings.record(entry.mac, kind, `${name}: ${size} sent in ${seconds} s`);
}
