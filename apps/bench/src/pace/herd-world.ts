import {
  backoff,
  compact,
  decide,
  type Gate,
  type JobPolicy,
  type Outcome,
  type RetryPolicy,
  type Trail,
} from "@understudy/core";

/** The world that both ways live in: jobs that arrive, slots that run them, and a provider that dies and comes back. */
export interface World {
  readonly arrivalsPerSecond: number;
  readonly healthySeconds: number;
  readonly outageSeconds: number;
  /** After the return at most. */
  readonly recoverySeconds: number;
  /** What the provider can do; beyond that it answers 503. */
  readonly capacityPerSecond: number;
  /** Jobs that the workers run at once. */
  readonly slots: number;
  readonly retry: RetryPolicy;
}

export interface Herd {
  /** Calls that reached the provider, of each second. */
  readonly calls: readonly number[];
  readonly delivered: number;
  readonly dead: number;
  readonly starts: number;
  readonly wastedInOutage: number;
  /** Refused by the provider after its return. */
  readonly refusedAfter: number;
  readonly peakAfter: number;
  /** Seconds from the return until no more jobs are open than arrive in a second; undefined when that was not reached. */
  readonly goneAfterSeconds: number | undefined;
}

export interface Job {
  readonly bornAt: number;
  attempt: number;
  asked: boolean;
  history: Trail;
}

/** How jobs are run: what is asked before a call, and what becomes of a job after one. */
export interface Way {
  /** Whether another job is worth fetching. */
  mayFetch(now: number): boolean;
  /** Leave to call, or what was answered instead. */
  admit(job: Job, now: number): { readonly settle: (outcome: Outcome) => void } | Outcome;
  /** Milliseconds until the job is run again, or that it is dead. */
  next(job: Job, outcome: Outcome, now: number): number | "dead";
}

interface Running {
  readonly job: Job;
  readonly outcome: Outcome;
  readonly settle: (outcome: Outcome) => void;
}

const STEP_MS = 5;
const SERVED_MS = 50;
/** A refused connection, or a 503 of the front door, comes back sooner. */
const REFUSED_MS = 20;
const meta = { provider: "a", durationMs: REFUSED_MS };

/** Bare exponential back-off with full jitter, each job by itself. */
export function plainWay(retry: RetryPolicy, random: () => number): Way {
  return {
    mayFetch: () => true,
    admit: () => ({ settle: () => undefined }),
    next(job) {
      job.attempt += 1;
      return job.attempt >= retry.attempts ? "dead" : backoff(retry, job.attempt, random());
    },
  };
}

/** Ours: the gates in their order, `decide`, and the fetch door, which looks at what the gates have room for. */
export function gatedWay(gates: readonly Gate[], retry: RetryPolicy, random: () => number): Way {
  const policy: JobPolicy = { retry, maxAgeMs: 86_400_000 };
  let lookAgainAt = 0;
  return {
    mayFetch(now) {
      if (now < lookAgainAt) return false;
      const closed = gates.map((gate) => gate.capacity()).filter(({ room }) => room < 1);
      if (closed.length === 0) return true;
      const opensAt = Math.max(...closed.map((one) => one.opensAt));
      lookAgainAt = now + Math.min(Math.max(opensAt - now, STEP_MS), 250);
      return false;
    },
    admit(job, now) {
      const admitted: { settle(outcome?: Outcome): void }[] = [];
      for (const gate of gates) {
        const answer = gate.admit({ cost: 1, isRetry: job.asked });
        if (answer instanceof Promise) throw new TypeError("gates of one process answer at once");
        if (answer.ok) admitted.push(answer);
        else {
          for (const one of admitted) one.settle();
          const { code, retryAfterMs } = answer;
          return { kind: "withheld", code, retryAfterMs, ...meta, durationMs: 0, at: now };
        }
      }
      return { settle: (outcome) => admitted.forEach((one) => one.settle(outcome)) };
    },
    next(job, outcome, now) {
      const facts = { history: job.history, trail: [outcome], attempt: job.attempt };
      const more = { lifeStartedAt: job.bornAt, canAskAgain: true, now, random: random() };
      const verdict = decide(policy, { ...facts, ...more });
      job.history = compact([...job.history, outcome]);
      if (verdict.kind === "retry") job.attempt += 1;
      return verdict.kind === "retry" || verdict.kind === "snooze" ? verdict.delayMs : "dead";
    },
  };
}

/** Runs the world in steps of 5 ms, on the clock that the way's gates read. */
export function simulate(world: World, clock: { now: number }, way: Way, random: () => number): Herd {
  const { healthySeconds, outageSeconds, recoverySeconds, capacityPerSecond } = world;
  const start = clock.now;
  const diesAt = start + healthySeconds * 1000;
  const backAt = diesAt + outageSeconds * 1000;
  const endsAt = backAt + recoverySeconds * 1000;
  const waiting = createQueue<Job>();
  const later = new Map<number, Job[]>();
  const running = new Map<number, Running[]>();
  const calls = Array.from({ length: healthySeconds + outageSeconds + recoverySeconds }, () => 0);
  let free = world.slots;
  let open = 0;
  let tokens = 0;
  let arrivals = 0;
  const herd = { delivered: 0, dead: 0, starts: 0, wastedInOutage: 0, refusedAfter: 0 };
  let goneAt: number | undefined;

  const after = (job: Job, outcome: Outcome): void => {
    if (outcome.kind === "delivered") {
      herd.delivered += 1;
      open -= 1;
      return;
    }
    const delayMs = way.next(job, outcome, clock.now);
    if (delayMs === "dead") {
      herd.dead += 1;
      open -= 1;
    } else push(later, stepOf(clock.now + Math.max(delayMs, STEP_MS)), job);
  };
  const call = (now: number): Outcome => {
    const second = Math.floor((now - start) / 1000);
    calls[second] = (calls[second] ?? 0) + 1;
    const isDead = now >= diesAt && now < backAt;
    if (!isDead && tokens >= 1) {
      tokens -= 1;
      return { kind: "delivered", receipt: {}, final: true, ...meta, durationMs: SERVED_MS, at: now };
    }
    if (isDead) herd.wastedInOutage += 1;
    else herd.refusedAfter += 1;
    return { kind: "unavailable", code: "http_503", ...meta, at: now };
  };
  const run = (job: Job): void => {
    herd.starts += 1;
    const leave = way.admit(job, clock.now);
    if ("kind" in leave) return after(job, leave);
    job.asked = true;
    free -= 1;
    const outcome = call(clock.now);
    push(running, stepOf(clock.now + outcome.durationMs), { job, outcome, settle: leave.settle });
  };

  const hasSlot = (): boolean => free > 0;
  const fetch = (now: number): void => {
    for (let fetched = 0; fetched < world.slots && hasSlot() && way.mayFetch(now); fetched += 1) {
      const job = waiting.shift();
      if (job === undefined) return;
      run(job);
    }
  };

  for (; clock.now < endsAt && goneAt === undefined; clock.now += STEP_MS) {
    const { now } = clock;
    tokens = Math.min(tokens + (capacityPerSecond * STEP_MS) / 1000, capacityPerSecond / 10);
    for (const { job, outcome, settle } of taken(running, stepOf(now))) {
      free += 1;
      settle(outcome);
      after(job, outcome);
    }
    for (const job of taken(later, stepOf(now))) waiting.push(job);
    // Uneven, as traffic is; the mean is what it should be.
    for (
      arrivals += (world.arrivalsPerSecond * STEP_MS * 2 * random()) / 1000;
      arrivals >= 1;
      arrivals -= 1
    ) {
      waiting.push({ bornAt: now, attempt: 0, asked: false, history: [] });
      open += 1;
    }
    fetch(now);
    if (now > backAt + 1000 && open <= world.arrivalsPerSecond) goneAt = now;
  }
  const returned = Math.floor((backAt - start) / 1000);
  const lived = calls.slice(0, Math.ceil((clock.now - start) / 1000));
  return {
    ...herd,
    calls: lived,
    peakAfter: Math.max(0, ...lived.slice(returned)),
    goneAfterSeconds: goneAt === undefined ? undefined : Math.round((goneAt - backAt) / 1000),
  };
}

const stepOf = (time: number): number => Math.ceil(time / STEP_MS);

function push<T>(buckets: Map<number, T[]>, at: number, item: T): void {
  const bucket = buckets.get(at);
  if (bucket === undefined) buckets.set(at, [item]);
  else bucket.push(item);
}

function taken<T>(buckets: Map<number, T[]>, at: number): readonly T[] {
  const bucket = buckets.get(at) ?? [];
  buckets.delete(at);
  return bucket;
}

/** First in, first out; an array's own shift moves all that are left. */
function createQueue<T>(): { push(item: T): void; shift(): T | undefined } {
  let items: (T | undefined)[] = [];
  let head = 0;
  return {
    push: (item) => void items.push(item),
    shift() {
      if (head === items.length) return undefined;
      const item = items[head];
      items[head] = undefined;
      head += 1;
      if (head > 10_000 && head * 2 > items.length) {
        items = items.slice(head);
        head = 0;
      }
      return item;
    },
  };
}
