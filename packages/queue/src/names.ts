const ROOT = "understudy";

/** Names and Redis keys of one job family. All keys of a family share a hash tag, so a Redis Cluster keeps them together. */
export interface Family {
  readonly namespace: string;
  /** Also the BullMQ name of the queue that carries the family's jobs. */
  readonly name: string;
  /** The BullMQ name of the queue whose failed set holds the family's dead letters. */
  readonly dead: string;
  /** BullMQ's prefix for both queues. */
  readonly prefix: string;
}

/** @param namespace sets several installations on one Redis apart; tests use it. */
export function familyOf(queue: string, namespace: string = ROOT): Family {
  return { namespace, name: queue, dead: `${queue}.dead`, prefix: `${namespace}:{${queue}}` };
}

/** The Redis key of `part` (a job's id, or a set such as "failed") of one of the family's two queues. */
export function keyOf(family: Family, queue: "name" | "dead", part: string): string {
  return `${family.prefix}:${family[queue]}:${part}`;
}
