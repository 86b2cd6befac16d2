// Completion codes that matter to us (IPMI 2.0 table 5-2 and the command tables). The same number
// from 80h on means something else per command.

export const completionCode = {
  ok: 0x00,
  /** Set System Boot Options: parameter not supported (table 28-12). */
  bootParameterUnsupported: 0x80,
  /** Set System Boot Options: another party is at it. */
  bootSetInProgress: 0x81,
  /** Set Session Privilege Level: level not available for this user (table 22-25). */
  privilegeNotForUser: 0x80,
  privilegeAboveLimit: 0x81,
  busy: 0xc0,
  invalidCommand: 0xc1,
  invalidForLun: 0xc2,
  timeout: 0xc3,
  outOfSpace: 0xc4,
  invalidLength: 0xc7,
  invalidField: 0xcc,
  noResponse: 0xce,
  initialising: 0xd2,
  insufficientPrivilege: 0xd4,
  notInThisState: 0xd5,
  parameterNotNow: 0xd6,
  unspecified: 0xff,
} as const;

const texts: Readonly<Record<number, string>> = {
  0xc0: "node busy",
  0xc1: "invalid command",
  0xc2: "command invalid for this unit",
  0xc3: "time-out inside the BMC",
  0xc4: "out of space",
  0xc5: "reservation lost",
  0xc6: "request data truncated",
  0xc7: "wrong request length",
  0xc8: "request too long",
  0xc9: "parameter out of range",
  0xca: "cannot return that many bytes",
  0xcb: "not present",
  0xcc: "invalid field in request",
  0xcd: "command not allowed for this sensor or record",
  0xce: "response not available",
  0xcf: "duplicate request",
  0xd0: "SDR repository in update",
  0xd1: "firmware in update",
  0xd2: "BMC still initialising",
  0xd3: "destination unavailable",
  0xd4: "privilege too low",
  0xd5: "not supported in the present state",
  0xd6: "sub-function disabled",
  0xff: "unspecified error",
};

/** For messages: code in hex and its meaning. */
export function describeCompletionCode(code: number): string {
  const hex = `${code.toString(16).toUpperCase().padStart(2, "0")}h`;
  return `completion code ${hex} (${texts[code] ?? "specific to the command"})`;
}
