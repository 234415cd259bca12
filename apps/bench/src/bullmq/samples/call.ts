import { ga4 } from "@understudy/providers/ga4";

import { event } from "../subjects.ts";
import type { Order, Sample, WorkOf } from "../types.ts";
import type { Posted } from "../vendor.ts";
import { bareRequest } from "./bare-undici.ts";
import { clock } from "./measure.ts";
import { connected } from "./producer.ts";
import { Progress } from "./progress.ts";
import { type RunningWorker, startBare, startOurs } from "./workers.ts";

type CallOrder = Order<WorkOf<"call">>;

/** Each job asks a vendor on loopback once, with a plain POST of JSON. */
export async function sampleCall(order: CallOrder): Promise<Sample> {
  const { warm, jobs, vendor } = order.work;
  const redis = await connected(order.redis);
  const progress = new Progress();
  const worker = await startCaller(order, progress.done);
  await progress.reached(warm);
  const stop = await clock(redis);
  const before = progress.count;
  await progress.reached(warm + jobs);
  const { perSecond, ...cpu } = await stop(warm + jobs - before);
  await worker.close();
  return { figures: { perSecond }, ...cpu, problems: problemsOf(await askFor(vendor), warm + jobs) };
}

async function startCaller(order: CallOrder, done: () => void): Promise<RunningWorker> {
  const { concurrency, vendor, http } = order.work;
  if (order.system === "ours") return startOurs(order, ours(vendor), concurrency, done);
  const url = `${vendor}/mp/collect`;
  const post = http === "fetch" ? postByFetch : await postByUndici();
  return startBare(order, event.job, concurrency, ({ data }) => post(url, JSON.stringify(data)), done);
}

/** The plainest of the providers: one POST of JSON, no SDK, no batch. */
function ours(baseUrl: string) {
  const [implementation] = ga4.adapters;
  if (implementation === undefined) throw new TypeError("ga4 tracks events");
  const config = ga4.config.parse({ ...ga4.sandboxConfig, baseUrl });
  return { job: event.job, provider: ga4.name, implementation, config };
}

type Post = (url: string, body: string) => Promise<void>;

const headers = { "content-type": "application/json" };

const postByFetch: Post = async (url, body) => {
  const answer = await fetch(url, { method: "POST", headers, body });
  await answer.text();
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
};

async function postByUndici(): Promise<Post> {
  const request = await bareRequest();
  return async (url, body) => {
    const answer = await request(url, { method: "POST", headers, body });
    await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`HTTP ${answer.statusCode}`);
  };
}

async function askFor(vendor: string): Promise<Posted> {
  return (await (await fetch(vendor)).json()) as Posted;
}

function problemsOf({ posts, events }: Posted, jobs: number): readonly string[] {
  return posts === jobs && events === jobs
    ? []
    : [`the vendor was asked ${posts} times for ${events} events, and there were ${jobs} jobs`];
}
