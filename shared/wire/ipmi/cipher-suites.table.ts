// The two cipher suites that Farrier speaks, with their algorithm numbers and sizes (IPMI 2.0 table
// 22-20 with errata 6 and 7; sections 13.28 to 13.29). Suites without encryption or with MD5 are
// left out on purpose.

export type CipherSuiteId = 3 | 17;

export interface CipherSuite {
  readonly id: CipherSuiteId;
  readonly hash: "sha1" | "sha256";
  /** RAKP-HMAC-SHA1 is 1, RAKP-HMAC-SHA256 is 3. */
  readonly authentication: number;
  /** HMAC-SHA1-96 is 1, HMAC-SHA256-128 is 4. */
  readonly integrity: number;
  /** AES-CBC-128 is 1. */
  readonly confidentiality: number;
  /** Length of the code in RAKP 2 and 3. */
  readonly exchangeCodeBytes: number;
  /** Length of the check value in RAKP 4 and of the code that ends each packet. */
  readonly authCodeBytes: number;
}

export const cipherSuites: Readonly<Record<CipherSuiteId, CipherSuite>> = {
  3: {
    id: 3,
    hash: "sha1",
    authentication: 1,
    integrity: 1,
    confidentiality: 1,
    exchangeCodeBytes: 20,
    authCodeBytes: 12,
  },
  17: {
    id: 17,
    hash: "sha256",
    authentication: 3,
    integrity: 4,
    confidentiality: 1,
    exchangeCodeBytes: 32,
    authCodeBytes: 16,
  },
};

/** The suite made of these three algorithms, if it is one of ours. */
export function findCipherSuite(algorithms: {
  readonly authentication: number;
  readonly integrity: number;
  readonly confidentiality: number;
}): CipherSuite | undefined {
  return Object.values(cipherSuites).find(
    (suite) =>
      suite.authentication === algorithms.authentication &&
      suite.integrity === algorithms.integrity &&
      suite.confidentiality === algorithms.confidentiality,
  );
}

/** The record that Get Channel Cipher Suites lists for a suite (table 22-18). */
export function cipherSuiteRecord(suite: CipherSuite): Uint8Array {
  const standard = 0xc0;
  return Uint8Array.of(
    standard,
    suite.id,
    suite.authentication,
    0x40 | suite.integrity,
    0x80 | suite.confidentiality,
  );
}
