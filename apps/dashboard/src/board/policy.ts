import { may, type Role, roleFor } from "@understudy/operator";

/** What somebody asks of the board. */
export interface Asked {
  readonly method: string;
  /** Bull Board's own template of it: /api/queues/:queueName/:jobId/retry. */
  readonly route: string;
  readonly role: Role;
  /** The queue that it concerns; undefined when it concerns all, or none that there is. */
  readonly queue?: { readonly isDead: boolean; readonly isMoney: boolean } | undefined;
}

/**
 * Who answers. `ours`: the operator does it, with its guard, its audit log and its pace. `theirs`: Bull Board does it. `nobody`:
 * it is refused, and why.
 */
export type Decision =
  | { readonly by: "ours"; readonly deed: Deed }
  | { readonly by: "theirs" }
  | { readonly by: "nobody"; readonly status: number; readonly why: string };
export type Deed =
  | "redrive"
  | "redrive-all"
  | "retry-source"
  | "pause"
  | "resume"
  | "pause-all"
  | "resume-all";

const one = "/api/queues/:queueName";
const deeds: Readonly<Record<string, Deed>> = {
  [`${one}/pause`]: "pause",
  [`${one}/resume`]: "resume",
  "/api/queues/pause": "pause-all",
  "/api/queues/resume": "resume-all",
};

/**
 * What would harm evidence on any queue, and what to do instead: what failed is not a dead letter for some seconds yet, what completed
 * absorbs a repeated enqueue, what is added here may carry any option.
 */
const harmful: ReadonlyMap<string, string> = new Map([
  [`${one}/add`, "Jobs are enqueued by a client, or with `understudy enqueue`, which check them."],
  [
    `${one}/clean/:queueStatus`,
    "What failed is evidence, and what completed absorbs a repeated enqueue: both go by themselves in time.",
  ],
  [
    `${one}/:jobId/clean`,
    "A job is not deleted from the board: cancel it with `understudy jobs cancel`, and discard its dead letter.",
  ],
  [`${one}/obliterate`, "It would take what failed, and what keeps repeated enqueues absorbed, with it."],
  [
    `${one}/:jobId/update-data`,
    "The data you see has parts hidden, and saving it would write those over the real ones. Edit the payload on the page of its dead letter.",
  ],
]);

/** Only for an administrator, and only where no money moves; each is written into the audit log. */
const forAdmins: ReadonlySet<string> = new Set([
  `${one}/promote`,
  `${one}/concurrency`,
  `${one}/rate-limit`,
  `${one}/rate-limit/release`,
  `${one}/empty`,
  `${one}/job-schedulers/:schedulerId/run`,
  `${one}/:jobId/promote`,
  `${one}/:jobId/delay`,
  `${one}/:jobId/priority`,
]);

/** The whole policy of the board; what it does not name is refused. */
export function decideOnBoard({ method, route, role, queue }: Asked): Decision {
  if (method === "GET" || method === "HEAD") return { by: "theirs" };
  if (route === "/api/queues/pause" || route === "/api/queues/resume")
    return { by: "ours", deed: deeds[route]! };
  if (queue === undefined) return refuse(404, "There is no such queue.");
  const harm = harmful.get(route);
  if (harm !== undefined && !queue.isDead) return refuse(403, harm);
  if (route === `${one}/:jobId/retry`)
    return guarded("redrive", role, queue.isMoney, queue.isDead ? "redrive" : "retry-source");
  if (route === `${one}/retry/:queueStatus`)
    return queue.isDead
      ? guarded("redrive", role, queue.isMoney, "redrive-all")
      : refuse(
          403,
          "What failed here becomes a dead letter within seconds; retry it there. What completed must not run again.",
        );
  if (queue.isDead)
    return refuse(
      403,
      "Dead letters are evidence: they are redriven, released, edited or discarded on their own pages, each with a reason.",
    );
  const deed = deeds[route];
  if (deed === "pause" || deed === "resume") return guarded(`${deed}-queue`, role, queue.isMoney, deed);
  if (!forAdmins.has(route)) return refuse(403, "This is not done from the board.");
  if (queue.isMoney) return refuse(403, "Where money moves, this is not done from the board, whoever asks.");
  return role === "admin" ? { by: "theirs" } : refuse(403, `This asks for the role admin; yours is ${role}.`);
}

function guarded(
  action: "redrive" | "pause-queue" | "resume-queue",
  role: Role,
  isMoney: boolean,
  deed: Deed,
): Decision {
  if (may(role, action, isMoney)) return { by: "ours", deed };
  return refuse(403, `This asks for the role ${roleFor(action, isMoney)}; yours is ${role}.`);
}

function refuse(status: number, why: string): Decision {
  return { by: "nobody", status, why };
}

/** Which buttons the board shows of a queue; the decision above holds whatever it shows. */
export function buttonsFor(
  role: Role,
  { isDead, isMoney }: { readonly isDead: boolean; readonly isMoney: boolean },
): {
  readonly readOnlyMode: boolean;
  readonly allowRetries: boolean;
  readonly allowCompletedRetries: boolean;
} {
  const mayRetry = isDead && may(role, "redrive", isMoney);
  const mayChange = !isDead && !isMoney && role === "admin";
  return { readOnlyMode: !mayRetry && !mayChange, allowRetries: mayRetry, allowCompletedRetries: false };
}
