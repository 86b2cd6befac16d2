// Runs one piece of work after the other, in the order in which they came.

export type SerialQueue = <T>(work: () => Promise<T>) => Promise<T>;

export function makeSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
}
