import { type AnyJob, CARD_NUMBER_REFUSED, holdsCardNumber, UnderstudyError } from "@understudy/core";
import {
  type DeadLetterStore,
  type LookUpAnswer,
  openDeadLetters,
  readLetter,
  type RedriveAnswer,
  type ReleaseAnswer,
} from "@understudy/dead-letters";
import { knownFamilies, locate, openProducer, type RedisLocation } from "@understudy/queue";

export interface OperatorOptions {
  readonly redis: RedisLocation;
  readonly namespace?: string;
  /** What may be redriven: an effect that must not happen twice is known by its job. */
  readonly jobs: readonly Pick<AnyJob, "name" | "capability">[];
  /** How long an answer may take. Default 5,000 ms. */
  readonly deadlineMs?: number;
}

/** What a person may do with dead letters. Every function may be called again after a lost answer. */
export interface Operator extends AsyncDisposable {
  /**
   * Gives the job of a dead letter a new life. `held`: nobody knows whether it had its effect, and it must not have it twice;
   * look it up, or release it.
   * @throws UnderstudyError option_invalid: a job that this program does not know; redis_unreachable, redis_refused
   */
  readonly redrive: (id: string) => Promise<RedriveAnswer>;
  /**
   * Has a worker ask the provider what became of a job of unknown effect; only workers hold credentials. The job completes when
   * it had happened, and is a dead letter again when it had not, or when nobody can tell: its status says which.
   * `known`: that it had no effect is known already.
   */
  readonly lookUp: (id: string) => Promise<LookUpAnswer>;
  /**
   * A person has made sure that the job had no effect, such as in the provider's own books, and puts their name to it. From then
   * on it may be redriven, under a new key and at any provider: when they are wrong, the effect happens twice.
   */
  readonly release: (
    id: string,
    who: { readonly by: string; readonly reason: string },
  ) => Promise<ReleaseAnswer>;
  close(): Promise<void>;
}

const DEADLINE_MS = 5000;
const MAX_WORDS = 500;

export function createOperator({
  redis,
  namespace,
  jobs,
  deadlineMs = DEADLINE_MS,
}: OperatorOptions): Operator {
  const producer = openProducer(redis);
  const byName = new Map(jobs.map((job) => [job.name, job]));

  /**
   * With the store that holds the letter; "gone" when none does.
   * @param done what is answered when an earlier try, whose answer was lost, has put the job back already
   */
  const withLetter = async <Answer extends string>(
    id: string,
    done: Answer,
    act: (store: DeadLetterStore, jobName: string) => Promise<Answer>,
  ): Promise<Answer | "gone"> => {
    let tries = 0;
    let diedAt: number | undefined;
    return await producer.ask(async (connection) => {
      tries += 1;
      for (const family of await knownFamilies(connection, namespace)) {
        const { place, name = "", data = "" } = await locate(connection, family, id);
        if (place !== "dead" && place !== "absent" && tries > 1) return done;
        if (place !== "dead") continue;
        const letter = readLetter(data)?.letter;
        // It was put back, and has died again meanwhile.
        if (diedAt !== undefined && letter?.diedAt !== diedAt) return done;
        diedAt = letter?.diedAt;
        return await act(openDeadLetters(connection, family), name);
      }
      return "gone";
    }, deadlineMs);
  };

  return {
    redrive: (id) =>
      withLetter(id, "redriven", (store, name) => {
        const job = byName.get(name);
        if (job === undefined)
          throw new UnderstudyError(
            "option_invalid",
            `${id} is a ${name}, a job that this program does not know: it cannot tell whether it may happen twice.`,
          );
        const forbidsDuplicates = job.capability.duplicates === "forbidden";
        return store.redrive(id, { now: Date.now(), forbidsDuplicates });
      }),
    lookUp: (id) => withLetter(id, "asked", (store) => store.lookUp(id, Date.now())),
    async release(id, who) {
      const by = words("who releases it", who.by);
      const reason = words("a reason", who.reason);
      return await withLetter(id, "released", (store) => store.release(id, { by, reason, now: Date.now() }));
    },
    close: () => producer.close(),
    [Symbol.asyncDispose]: () => producer.close(),
  };
}

function words(what: string, given: unknown): string {
  if (typeof given === "string" && given.trim() !== "" && given.length <= MAX_WORDS) {
    if (!holdsCardNumber(given)) return given.trim();
    throw new UnderstudyError(
      "option_invalid",
      `In a release, ${what} ${CARD_NUMBER_REFUSED}, or leave it out.`,
    );
  }
  throw new UnderstudyError(
    "option_invalid",
    `A release needs ${what}, in 1 to ${MAX_WORDS} characters: it stands in the job's trail.`,
  );
}
