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
 * Symfony Mailer's FailoverTransport (https://symfony.com/doc/current/mailer.html#high-availability): any exception makes a
 * transport dead for a while, in this process alone, and the next one is asked; when all are dead the message fails.
 */
export function symfonyChain<Request, Receipt>(
  transports: readonly Transport<Request, Receipt>[],
  retryPeriodMs: number,
): Chain<Request, Receipt> {
  const deadUntil = new Map<string, number>();
  return async (request, jobId) => {
    let last: unknown = new Error("All transports failed.");
    for (const transport of transports) {
      if ((deadUntil.get(transport.name) ?? 0) > Date.now()) continue;
      try {
        return await transport.send(request, jobId);
      } catch (error) {
        deadUntil.set(transport.name, Date.now() + retryPeriodMs);
        last = error;
      }
    }
    throw last;
  };
}
