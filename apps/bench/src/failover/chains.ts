/** One provider, asked in the way of an SDK: what it answers, or an exception. */
export interface Transport<Request, Receipt> {
  readonly name: string;
  send(request: Request, jobId: string): Promise<Receipt>;
}

export type Chain<Request, Receipt> = (request: Request, jobId: string) => Promise<Receipt>;

/** The chain that everybody writes first: on any exception the next one, on the last the queue's retry. */
export function naiveChain<Request, Receipt>(
  transports: readonly Transport<Request, Receipt>[],
): Chain<Request, Receipt> {
  return async (request, jobId) => {
    let last: unknown;
    for (const transport of transports) {
      try {
        return await transport.send(request, jobId);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  };
}

/**
 * Symfony Mailer's FailoverTransport (https://symfony.com/doc/current/mailer.html#high-availability): it stays with a transport
 * until that one throws, which makes it dead for a while, in this process alone; then it takes the next in the circle that is not
 * dead, and the message fails when there is none.
 */
export function symfonyChain<Request, Receipt>(
  transports: readonly Transport<Request, Receipt>[],
  retryPeriodMs: number,
): Chain<Request, Receipt> {
  const diedAt = new Map<Transport<Request, Receipt>, number>();
  let current: Transport<Request, Receipt> | undefined;
  let next = 0;
  const alive = (): typeof current => {
    if (current !== undefined && !diedAt.has(current)) return current;
    const circle = [...transports.slice(next), ...transports.slice(0, next)];
    current = circle.find((one) => Date.now() - (diedAt.get(one) ?? 0) > retryPeriodMs);
    if (current !== undefined) {
      diedAt.delete(current);
      next = (transports.indexOf(current) + 1) % transports.length;
    }
    return current;
  };
  return async (request, jobId) => {
    let last: unknown = new Error("All transports failed.");
    for (let one = alive(); one !== undefined; one = alive())
      try {
        return await one.send(request, jobId);
      } catch (error) {
        diedAt.set(one, Date.now());
        last = error;
      }
    throw last;
  };
}
