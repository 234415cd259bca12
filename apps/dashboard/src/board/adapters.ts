import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { type Family, keyOf, type Redis } from "@understudy/queue";
import { Job, type JobJson, type JobType, Queue } from "bullmq";

/** A job of such a status as Bull Board asks for it. */
type Statuses = Parameters<BullMQAdapter["getJobs"]>[0];

interface Options {
  readonly redis: Redis;
  readonly family: Family;
  /** Of its jobs or of its dead letters. */
  readonly which: "name" | "dead";
  readonly externalJobUrl: (job: { readonly id?: unknown }) => {
    readonly displayText: string;
    readonly href: string;
  };
}

/** One of a family's two queues on the board. A job whose data cannot be parsed stands there too, and says so. */
export class SurvivingAdapter extends BullMQAdapter {
  readonly #own: Queue;
  readonly #options: Options;

  constructor(options: Options) {
    const { redis, family, which, externalJobUrl } = options;
    const isDead = which === "dead";
    const queue = new Queue(family[which], { connection: redis, prefix: family.prefix });
    queue.on("error", () => undefined);
    super(queue, {
      externalJobUrl,
      description: isDead ? `Dead letters of ${family.name}: jobs that ended without success` : "",
    });
    this.#own = queue;
    this.#options = options;
  }

  override async getJobs(statuses: Statuses, start?: number, end?: number): Promise<Job[]> {
    try {
      return await super.getJobs(statuses, start, end);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const ids = await this.#own.getRanges(statuses as JobType[], start, end);
      const jobs = await Promise.all(ids.map((id) => this.getJob(id)));
      return jobs.filter((job) => job !== undefined);
    }
  }

  override async getJob(id: string): Promise<Job | undefined> {
    try {
      return await super.getJob(id);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return await this.#readBroken(id);
    }
  }

  /** Nobody works on dead letters; that is no fault to warn of. */
  override async getWorkers(): ReturnType<BullMQAdapter["getWorkers"]> {
    return this.#options.which === "dead" ? null : await super.getWorkers();
  }

  async #readBroken(id: string): Promise<Job | undefined> {
    const { redis, family, which } = this.#options;
    const fields = await redis.hgetall(keyOf(family, which, id));
    if (fields["name"] === undefined) return undefined;
    const unreadable = `This job's data is not JSON: ${(fields["data"] ?? "").length} characters.`;
    const json: JobJson = {
      id,
      name: fields["name"],
      data: JSON.stringify({ unreadable }),
      opts: {},
      progress: 0,
      timestamp: Number(fields["timestamp"] ?? 0),
      attemptsMade: Number(fields["atm"] ?? 0),
      attemptsStarted: Number(fields["ats"] ?? 0),
      stalledCounter: Number(fields["stc"] ?? 0),
      delay: 0,
      priority: 0,
      failedReason: fields["failedReason"] ?? "",
      returnvalue: "",
      ...(fields["finishedOn"] === undefined ? {} : { finishedOn: Number(fields["finishedOn"]) }),
    };
    return Job.fromJSON(this.#own, json, id);
  }
}
