// The JSON file of the simulator program. It holds passwords: make it readable for its owner only.
import { z } from "zod";

const suite = z.union([z.literal(3), z.literal(17)]);

const simulatorConfig = z.strictObject({
  address: z.string(),
  port: z.int().min(0).max(65535),
  guid: z.guid(),
  users: z
    .array(
      z.strictObject({
        name: z.string().max(16),
        password: z.string().max(20),
        privilege: z.enum(["user", "operator", "administrator"]).default("administrator"),
      }),
    )
    .min(1),
  suites: z.array(suite).min(1).default([3, 17]),
  sessionLimit: z.int().min(1).default(4),
  /** Chassis-control socket of a lab machine; without it the BMC has a machine that only remembers. */
  chassisSocket: z.string().optional(),
  dropRate: z.number().min(0).max(1).default(0),
  powerDelayMs: z.int().min(0).default(0),
  stuckOff: z.boolean().default(false),
  /** Status of Open Session by cipher suite. */
  refusedSuites: z.partialRecord(z.enum(["3", "17"]), z.int().min(1).max(255)).default({}),
});
export type SimulatorConfig = z.infer<typeof simulatorConfig>;

/** Throws with all problems at once; never quotes the file, which holds passwords. */
export function parseSimulatorConfig(text: string): SimulatorConfig {
  const parsed = simulatorConfig.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new Error(`The BMC's configuration is wrong:\n${z.prettifyError(parsed.error)}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("The BMC's configuration is no JSON");
  }
}
