// Waits for a fact that nobody announces, such as a socket that answers or an interface that is
// gone, by asking again; with a bound, so that a lab never hangs.

const askAgainAfterMs = 10;

/**
 * Returns when `isSo` says true.
 * @param what for the error when it takes over `timeoutMs`: "m1's BMC answers"
 */
export async function waitUntil(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs / 1000} s in vain until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, askAgainAfterMs));
  }
}
