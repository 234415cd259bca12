// Each as its own documentation would have it for throughput. None of them is a dependency of this repository, so what of them is used is
// declared here.
import type { OpenPeer, PeerName } from "./types.ts";

const QUEUE = "mails";

type Class<T> = new (...args: readonly unknown[]) => T;

interface BeeQueue {
  createJob(payload: object): { save(): Promise<unknown> };
  saveAll(jobs: readonly unknown[]): Promise<unknown>;
  process(concurrency: number, handle: (job: { readonly data: object }) => Promise<void>): void;
}

const openBeeQueue: OpenPeer = async (load, url) => {
  const { default: Queue } = (await load("bee-queue")) as { readonly default: Class<BeeQueue> };
  const queue = new Queue(QUEUE, {
    redis: { url },
    storeJobs: false,
    sendEvents: false,
    getEvents: false,
    removeOnSuccess: true,
  });
  return {
    add: (payload) => queue.createJob(payload).save(),
    addMany: (payloads) => queue.saveAll(payloads.map((payload) => queue.createJob(payload))),
    async work(concurrency, handle) {
      // oxlint-disable-next-line eslint/require-await -- it wants a promise
      queue.process(concurrency, async ({ data }) => handle(data));
    },
  };
};

interface GraphileWorker {
  readonly makeWorkerUtils: (options: object) => Promise<{
    migrate(): Promise<void>;
    addJob(task: string, payload: object): Promise<unknown>;
    addJobs(jobs: readonly { readonly identifier: string; readonly payload: object }[]): Promise<unknown>;
  }>;
  readonly run: (options: object) => Promise<unknown>;
  readonly Logger: new (logs: () => () => void) => object;
}

const openGraphileWorker: OpenPeer = async (load, url) => {
  const { makeWorkerUtils, run, Logger } = (await load("graphile-worker")) as GraphileWorker;
  // It writes a line for each job else.
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: 20, logger });
  await utils.migrate();
  return {
    add: (payload) => utils.addJob(QUEUE, payload),
    addMany: (payloads) => utils.addJobs(payloads.map((payload) => ({ identifier: QUEUE, payload }))),
    async work(concurrentJobs, handle) {
      const worker = { concurrentJobs, localQueue: { size: 500 }, completeJobBatchDelay: 0, maxPoolSize: 20 };
      await run({
        preset: { worker: { ...worker, connectionString: url } },
        logger,
        noHandleSignals: true,
        taskList: { [QUEUE]: handle },
      });
    },
  };
};

interface Boss {
  on(event: "error", listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  createQueue(name: string, options: object): Promise<void>;
  send(name: string, payload: object): Promise<unknown>;
  insert(name: string, jobs: readonly { readonly data: object }[]): Promise<unknown>;
  work(
    name: string,
    options: object,
    handle: (jobs: readonly { readonly data: object }[]) => Promise<void>,
  ): Promise<unknown>;
}

const openPgBoss: OpenPeer = async (load, url) => {
  const { PgBoss } = (await load("pg-boss")) as { readonly PgBoss: Class<Boss> };
  const boss = new PgBoss({ connectionString: url, max: 20, useListenNotify: true });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  await boss.createQueue(QUEUE, { notify: true, partition: true });
  return {
    add: (payload) => boss.send(QUEUE, payload),
    addMany: (payloads) =>
      boss.insert(
        QUEUE,
        payloads.map((data) => ({ data })),
      ),
    // It knows batches where others know slots.
    async work(_concurrency, handle) {
      const options = { batchSize: 200, localConcurrency: 2, burstWhenBatchFull: true };
      // oxlint-disable-next-line eslint/require-await -- it wants a promise
      await boss.work(QUEUE, options, async (jobs) => {
        for (const { data } of jobs) handle(data);
      });
    },
  };
};

export const openPeer: Readonly<Record<PeerName, OpenPeer>> = {
  "bee-queue": openBeeQueue,
  "graphile-worker": openGraphileWorker,
  "pg-boss": openPgBoss,
};
