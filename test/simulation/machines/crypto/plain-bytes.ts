// Buffers of node:crypto and friends as what the ports promise: their slice shares memory, that of others does not.

/** The same bytes. */
export function plainBytes({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
