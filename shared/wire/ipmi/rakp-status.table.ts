// What Open Session, RAKP 2 and RAKP 4 answer when they refuse (IPMI 2.0 table 13-15). `means` says
// what is wrong; what to do about it is the caller's.

type RakpTrouble = "resources" | "suite" | "privilege" | "credentials" | "protocol";

export interface RakpStatus {
  readonly means: RakpTrouble;
  readonly text: string;
}

export const rakpStatus = {
  ok: 0x00,
  noResources: 0x01,
  badSessionId: 0x02,
  badAuthentication: 0x04,
  noSuite: 0x11,
  badRole: 0x0a,
  badNameLength: 0x0c,
  unknownName: 0x0d,
  badCheckValue: 0x0f,
} as const;

const statuses: Readonly<Record<number, RakpStatus>> = {
  0x01: { means: "resources", text: "no free session" },
  0x02: { means: "protocol", text: "invalid session id" },
  0x03: { means: "protocol", text: "invalid payload type" },
  0x04: { means: "suite", text: "authentication algorithm not supported" },
  0x05: { means: "suite", text: "integrity algorithm not supported" },
  0x06: { means: "suite", text: "no matching authentication payload" },
  0x07: { means: "suite", text: "no matching integrity payload" },
  0x08: { means: "protocol", text: "inactive session id" },
  0x09: { means: "privilege", text: "invalid role" },
  0x0a: { means: "privilege", text: "role or privilege not allowed" },
  0x0b: { means: "resources", text: "no free session at this role" },
  0x0c: { means: "credentials", text: "invalid user name length" },
  0x0d: { means: "credentials", text: "user name not allowed" },
  0x0e: { means: "protocol", text: "GUID not allowed" },
  0x0f: { means: "credentials", text: "invalid integrity check value" },
  0x10: { means: "suite", text: "confidentiality algorithm not supported" },
  0x11: { means: "suite", text: "no such cipher suite" },
  0x12: { means: "protocol", text: "invalid parameter" },
};

export function describeRakpStatus(status: number): RakpStatus {
  return statuses[status] ?? { means: "protocol", text: "unknown status" };
}
