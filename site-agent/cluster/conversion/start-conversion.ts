// Serves the conversion of versions to the API server, and says there where it is served. Needs no control plane:
// while one is away, objects of older versions must still be readable.
import { err, ok, type Result } from "../../../shared/result.ts";
import type { AgentConfig } from "../../config.ts";
import type { Clock, Crypto, Files, HttpServer, Log, Programs } from "../../ports.ts";
import { serverCertificate } from "../../server-certificate.ts";
import type { KubernetesApi } from "../port.ts";
import { answerConversion, conversionPath } from "./answer-conversion.ts";
import { offerConversion } from "./offer-conversion.ts";

/** A list of thousands of objects comes as one question. */
const maxBodyBytes = 64 * 1024 * 1024;

export interface ConversionPorts {
  readonly kubernetes: KubernetesApi | undefined;
  readonly server: HttpServer;
  readonly files: Files;
  readonly programs: Programs;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningConversion {
  stop(): Promise<void>;
}

/** Undefined where the configuration does not ask for it. */
export async function startConversion(
  ports: ConversionPorts,
  config: Pick<AgentConfig, "stateDirectory" | "cluster">,
): Promise<Result<RunningConversion | undefined, "start">> {
  const { kubernetes: api, server } = ports;
  const { stateDirectory: directory, cluster } = config;
  const conversion = cluster?.conversion;
  if (api === undefined || conversion === undefined) return ok(undefined);
  const { host, port, address } = conversion;
  const certificate = await serverCertificate(ports, {
    directory,
    // Another host needs another certificate.
    name: `conversion-${host}`,
    subject: /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`,
  });
  if (!certificate.ok) return err("start", certificate.error.message);
  const listening = await server.listen({
    address,
    port,
    tls: certificate.value,
    maxBodyBytes,
    handle: async (request) => answerConversion(request),
  });
  if (!listening.ok) return err("start", `cluster.conversion: ${listening.error.message}`);
  const stop = new AbortController();
  const url = `https://${host}:${listening.value.port}${conversionPath}`;
  const { certPem } = certificate.value;
  const offered = offerConversion({ ...ports, api }, { url, certPem }, stop.signal);
  return ok({
    async stop() {
      stop.abort();
      await Promise.all([offered, listening.value.close()]);
    },
  });
}
