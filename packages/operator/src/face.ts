import type {
  DiscardAnswer,
  EditAnswer,
  LetterFilter,
  LookUpAnswer,
  RedriveAnswer,
  ReleaseAnswer,
} from "@understudy/dead-letters";
import type { Transition } from "@understudy/resilience";

import type { AuditPage, Verification } from "./audit.ts";
import type { Actor } from "./roles.ts";
import type {
  BulkAction,
  Directed,
  Explanation,
  GroupPage,
  LetterPage,
  LetterView,
  Order,
  Plan,
  PlanOptions,
  ProviderView,
  QueueView,
  Restored,
  RestoreOrder,
  Run,
  Selection,
  Weighed,
  WeighedRestore,
} from "./views.ts";

/** Who does something, and why; both stand in the audit log. */
export interface Who {
  readonly by: Actor;
  /** 1 to 500 characters. */
  readonly reason: string;
}

/**
 * Which letter whoever acts has looked at: its `version` then. When it has died anew or was written anew since, the answer is
 * `changed`, and nothing is done.
 */
export interface SeenAs {
  readonly seen?: string;
}

export interface RunOptions extends PlanOptions {
  readonly action: BulkAction;
  readonly selection: Selection;
  /** How many letters whoever asks for it expects: with others it is refused. */
  readonly expected?: number;
}

/**
 * What a person may do. Every function may be called again after a lost answer; each that changes something is written into the
 * audit log before and after.
 *
 * All throw UnderstudyError: option_invalid (what was asked makes no sense, and why), not_permitted (the role does not allow it;
 * names the one that would), redis_unreachable, redis_refused.
 */
export interface Operator extends AsyncDisposable {
  /** The newest first. @param page `limit` is 1 to 500, default 50; `after` is `next` of the page before */
  letters(
    filter: LetterFilter,
    page?: { readonly limit?: number; readonly after?: string },
  ): Promise<LetterPage>;
  groups(filter: LetterFilter): Promise<GroupPage>;
  letter(id: string): Promise<LetterView | undefined>;
  /** What a redrive would do to each of them; changes nothing. */
  plan(selection: Selection, options?: PlanOptions): Promise<Plan>;

  /**
   * Gives the job of a dead letter a new life. `held`: nobody knows whether it had its effect, and it must not have it twice;
   * look it up, or release it. `invalid`: today's schema refuses its payload. `unserved`: the wanted provider may not serve it.
   */
  redrive(id: string, who: Who, how?: SeenAs & { readonly provider?: string }): Promise<RedriveAnswer>;
  /**
   * Has a worker ask the provider what became of a job of unknown effect; only workers hold credentials. The job completes when
   * it had happened, and is a dead letter again when it had not, or when nobody can tell: its status says which.
   * `known`: that it had no effect is known already.
   */
  lookUp(id: string, who: Who, how?: SeenAs): Promise<LookUpAnswer>;
  /**
   * A person has made sure that the job had no effect, such as in the provider's own books, and puts their name to it. From then
   * on it may be redriven, under a new key and at any provider: when they are wrong, the effect happens twice. Of what must not
   * happen twice `seen` has to be given: a death that nobody has looked at is not vouched for.
   */
  release(id: string, who: Who, how?: SeenAs): Promise<ReleaseAnswer>;
  /**
   * Writes another payload into a dead letter, checked against the job's schema. The next life has a new idempotency key, so a
   * letter whose effect must not happen twice and is unknown is `held`. "[hidden]" that is left standing keeps what it hides.
   * @param how `shown`: the payload as it was shown; when it is another one by now, the answer is `changed`
   */
  edit(id: string, payload: unknown, who: Who, how?: { readonly shown?: unknown }): Promise<EditAnswer>;
  /** A letter's payload with what is sensitive, for whoever may edit it; that it was read is written down. */
  payload(id: string, who: Who): Promise<{ readonly payload: unknown } | undefined>;
  /** Deletes a dead letter for good; its id stays taken as long as a repeated enqueue is to be absorbed. */
  discard(id: string, who: Who, how?: SeenAs): Promise<DiscardAnswer>;

  /** Begins a bulk action; `drive` does the work. */
  start(options: RunOptions, who: Who): Promise<Run>;
  /**
   * Does the work of a run, until it is done, stopped, or `signal` aborts.
   * @param options `resume`: go on with one that was stopped, or whose driver is gone; asks for the role that began it
   * @throws UnderstudyError option_invalid when another process is driving it
   */
  drive(
    runId: string,
    options?: {
      readonly resume?: Who;
      readonly signal?: AbortSignal;
      /** Several times a second. */
      readonly onProgress?: (run: Run) => void;
    },
  ): Promise<Run>;
  /** Whoever drives it stops within a second. */
  stop(runId: string, who: Who): Promise<Run>;
  run(runId: string): Promise<Run | undefined>;
  /** The newest first, of the last 30 days. */
  runs(): Promise<readonly Run[]>;

  explain(id: string): Promise<Explanation>;
  queues(): Promise<readonly QueueView[]>;
  providers(): Promise<readonly ProviderView[]>;
  /** What became of circuits, and what people said of providers, the newest first. @param limit 1 to 500, default 50 */
  transitions(limit?: number): Promise<readonly Transition[]>;
  /** What `direct` would lead to, and what speaks against it; changes nothing. */
  weigh(order: Order): Promise<Weighed>;
  /**
   * Says what is to be done with a provider, to the whole fleet at once: every worker hears of it within a second, those that are
   * away as soon as they are back. Takes the place of what was said of the same before.
   */
  direct(order: Order, who: Who): Promise<Directed>;
  /** What `restore` would take back, and what comes of it; changes nothing. */
  weighRestore(about: RestoreOrder): Promise<WeighedRestore>;
  /** Takes back what was said of a provider: of one capability, or all of it; but not what is said while it does so. */
  restore(about: RestoreOrder, who: Who): Promise<Restored>;
  pauseQueue(name: string, who: Who): Promise<void>;
  resumeQueue(name: string, who: Who): Promise<void>;

  /**
   * Does something that is not the operator's own in somebody's name: if they may, and written down before and after.
   * @param deed `job` names whose rules hold @param work answers with what came of it, in a word or two
   */
  perform<T>(
    deed: { readonly action: "enqueue" | "cancel"; readonly subject: string; readonly job: string },
    who: Who,
    work: () => Promise<{ readonly result: string; readonly value: T }>,
  ): Promise<T>;
  /** Writes down what the operator has no part in, such as a refused sign-in. */
  note(entry: {
    readonly by: Actor;
    /** None of the operator's own actions. */
    readonly action: string;
    readonly subject: string;
    readonly reason?: string;
    readonly result?: string;
  }): Promise<void>;
  /** The newest first. @param page `limit` is 1 to 500, default 50; `before` is the number of the last one of the page before */
  audit(page?: { readonly limit?: number; readonly before?: number }): Promise<AuditPage>;
  /**
   * Computes the chain of hashes anew.
   * @param after what was found whole before, to look only at what has come since; without it at the whole log
   */
  verifyAudit(after?: { readonly entries: number; readonly head: string }): Promise<Verification>;

  close(): Promise<void>;
}
