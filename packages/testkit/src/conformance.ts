import {
  type AnyProvider,
  type Call,
  type Capability,
  type Outcome,
  type RequestOf,
  secretKeysOf,
} from "@understudy/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import {
  type Behaviour,
  type Misbehaving,
  misbehaving,
  type Prelude,
  type ScriptedAnswer,
} from "./misbehaving.ts";

/** What an outcome must hold at least. */
export type Expectation = Readonly<Record<string, unknown>>;

export interface ConformanceOptions<C extends Capability> {
  readonly capability: C;
  /** As it comes out of the capability's schema. */
  readonly request: RequestOf<C>;
  /** The vendor's documented success. */
  readonly success: ScriptedAnswer;
  /** What the vendor is asked for first; it is no part of the contract. */
  readonly prelude?: Prelude;
  /** The vendor's documented error body; a function when it differs by status. */
  readonly refusal: string | ((status: number) => string);
  /** Where this vendor's documentation says otherwise than the general table. By the title of the case. */
  readonly expected?: Readonly<Record<string, Expectation>>;
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

interface Case {
  readonly title: string;
  readonly behaviour: Behaviour;
  readonly outcome: Expectation;
}

/** A case whose body the vendor words. */
interface Refused extends Case {
  readonly behaviour: Extract<Behaviour, { readonly does: "answer" }>;
}

const JOB_ID = "conformance-3f9a1c";
const inSevenSeconds = (): string => new Date(Date.now() + 7000).toUTCString();

const page = { headers: { "content-type": "text/html" }, body: "<html>Please sign in</html>" };

/** What holds for every provider that says nothing else: the vendor's "no" with a meaning. */
const refusals: readonly Refused[] = [
  status(400, { kind: "rejected" }),
  status(401, { kind: "unavailable", code: "unauthorized" }),
  status(403, { kind: "unavailable", code: "forbidden" }),
  status(413, { kind: "unavailable", code: "too_large" }),
  status(418, { kind: "ambiguous", code: "http_418" }),
  {
    title: "429 with Retry-After in seconds",
    behaviour: { does: "answer", status: 429, headers: { "retry-after": "7" } },
    outcome: { kind: "throttled", retryAfterMs: 7000 },
  },
  {
    title: "429 with Retry-After as a date",
    behaviour: { does: "answer", status: 429, headers: { "retry-after": inSevenSeconds() } },
    outcome: { kind: "throttled", retryAfterMs: expect.closeTo(5000, -4) },
  },
  {
    title: "429 with an absurd Retry-After",
    behaviour: { does: "answer", status: 429, headers: { "retry-after": "99999999" } },
    outcome: { kind: "throttled", retryAfterMs: 86_400_000 },
  },
];

/** What nobody needs to word; nearly all of it is ambiguous. */
const answers: readonly Case[] = [
  ...[400, 422].map((code) => ({
    title: `HTML with status ${code}`,
    behaviour: { does: "answer" as const, status: code, ...page },
    outcome: { kind: "ambiguous", code: "malformed_answer" },
  })),
  status(500, { kind: "ambiguous", code: "http_500" }),
  status(502, { kind: "ambiguous", code: "http_502" }),
  {
    title: "503 with Retry-After",
    behaviour: { does: "answer", status: 503, headers: { "retry-after": "7" } },
    outcome: { kind: "unavailable", code: "http_503", retryAfterMs: 7000 },
  },
  status(503, { kind: "ambiguous", code: "http_503" }),
  {
    title: "HTML with status 200",
    behaviour: { does: "answer", status: 200, ...page },
    outcome: { kind: "ambiguous", code: "malformed_answer" },
  },
  {
    title: "a redirect",
    behaviour: { does: "answer", status: 302, headers: { location: "/elsewhere" } },
    outcome: { kind: "ambiguous", code: "http_302" },
  },
];

const accidents: readonly Case[] = [
  { title: "a reset before the answer", behaviour: { does: "reset" }, outcome: lost("connection_lost") },
  { title: "a hang-up without an answer", behaviour: { does: "close" }, outcome: lost("connection_lost") },
];

/**
 * The contract every HTTP provider keeps, whatever its SDK does. Each case is one call, and at most one request leaves.
 * The provider's configuration is its `sandboxConfig` with a `baseUrl` of ours.
 */
export function testProvider<C extends Capability>(
  provider: AnyProvider,
  options: ConformanceOptions<C>,
): void {
  const { capability, request, success, refusal, prelude, expected = {}, skip = [] } = options;
  const reasons = new Map(
    skip.flatMap(({ reason, tests }) => tests.map((title) => [title, reason] as const)),
  );
  const implementation = provider.adapters.find((each) => each.capability.name === capability.name);
  if (implementation === undefined)
    throw new Error(`${provider.name} does not implement ${capability.name}.`);

  describe(`${provider.name} keeps the contract of ${capability.name}`, () => {
    let server: Misbehaving;
    let control: AbortController;

    beforeEach(async () => {
      server = await misbehaving(undefined, prelude);
      control = new AbortController();
    });
    afterEach(async () => {
      expect(server.requests.length, "requests of one call").toBeLessThanOrEqual(1);
      await server[Symbol.asyncDispose]();
    });

    const configuration = (): Record<string, unknown> => ({ ...provider.sandboxConfig, baseUrl: server.url });
    const ask = (): Promise<Outcome> => {
      const adapter = implementation.create(provider.config.parse(configuration()));
      const call: Call = { jobId: JOB_ID, idempotencyKey: JOB_ID, signal: control.signal };
      return adapter(request, call);
    };
    const check = (title: string, run: () => Promise<void>): void => {
      const reason = reasons.get(title);
      // oxlint-disable-next-line vitest/expect-expect -- the cases below bring their expectations
      test.skipIf(reason !== undefined)(`${title}${reason === undefined ? "" : ` (${reason})`}`, run);
    };
    const checkCase = ({ title, behaviour, outcome }: Case): void =>
      check(title, async () => {
        server.behave(behaviour);
        expect(await ask()).toMatchObject(expected[title] ?? outcome);
        expect(server.requests).toHaveLength(1);
      });

    check("success is delivered, by one request that carries the job id", async () => {
      server.behave({ does: "answer", ...success });
      const outcome = await ask();
      expect(outcome).toMatchObject({ kind: "delivered", provider: provider.name });
      if (outcome.kind === "delivered") capability.receipt.parse(outcome.receipt);
      expect(server.requests).toHaveLength(1);
      const [sent] = server.requests;
      expect(`${sent?.path} ${JSON.stringify(sent?.headers)} ${sent?.body}`).toContain(JOB_ID);
    });

    for (const each of refusals) checkCase(withBody(each, refusal));
    for (const each of [...answers, ...accidents]) checkCase(each);

    check("429 without Retry-After names no time", async () => {
      server.behave({ does: "answer", status: 429 });
      const outcome = await ask();
      expect(outcome).toMatchObject({ kind: "throttled", code: "rate_limited" });
      expect(outcome).not.toHaveProperty("retryAfterMs");
    });

    checkCase({
      title: "a reset after the answer",
      behaviour: { does: "answer-then-reset", ...success },
      outcome: { kind: "delivered" },
    });
    checkCase({
      title: "a success whose body is cut off",
      behaviour: { does: "cut", ...success },
      outcome: { kind: "ambiguous" },
    });

    check("a refused connection proves that nothing was sent", async () => {
      await server.refuse();
      expect(await ask()).toMatchObject({ kind: "unavailable", code: "connect_failed" });
    });

    check("a connection reset before it was read is never called a refusal of the request", async () => {
      server.behave({ does: "reset-unread" });
      expect(["unavailable", "ambiguous"]).toContain((await ask()).kind);
    });

    check("a deadline that passed before the call sends nothing", async () => {
      control.abort(new DOMException("late", "TimeoutError"));
      expect(await ask()).toMatchObject({ kind: "unavailable", code: "timeout" });
      expect(server.requests).toHaveLength(0);
    });

    check("an interruption before the call sends nothing", async () => {
      control.abort(new Error("shutting down"));
      expect(await ask()).toMatchObject({ kind: "withheld", code: "interrupted" });
      expect(server.requests).toHaveLength(0);
    });

    const abortAfterReceipt = async (reason: Error): Promise<Outcome> => {
      const outcome = ask();
      await server.received();
      const aborted = performance.now();
      control.abort(reason);
      const answered = await outcome;
      expect(performance.now() - aborted, "milliseconds from abort to outcome").toBeLessThan(100);
      return answered;
    };

    check("a hang ends at the deadline, its fate unknown", async () => {
      const outcome = await abortAfterReceipt(new DOMException("late", "TimeoutError"));
      expect(outcome).toMatchObject(lost("timeout"));
    });

    check("an interruption after sending ends within 100 ms, its fate unknown", async () => {
      expect(await abortAfterReceipt(new Error("shutting down"))).toMatchObject(lost("interrupted"));
    });

    check("a stalled body ends at the deadline, its fate unknown", async () => {
      server.behave({ does: "stall", ...success });
      const outcome = await abortAfterReceipt(new DOMException("late", "TimeoutError"));
      expect(outcome).toMatchObject(lost("timeout"));
    });

    check("what the vendor echoes of secrets and addresses is not repeated", async () => {
      server.behave({ does: "echo", status: 400 });
      const outcome = await ask();
      const detail = outcome.kind === "delivered" ? "" : (outcome.detail ?? "");
      for (const key of secretKeysOf(provider.config))
        expect(detail).not.toContain(provider.sandboxConfig[key]);
      for (const credential of credentialsIn(server.requests[0]?.headers.authorization))
        expect(detail).not.toContain(credential);
      expect(detail).not.toMatch(/\S@\S/u);
      expect(detail.length).toBeLessThanOrEqual(300);
    });
  });
}

function status(code: number, outcome: Expectation): Refused {
  return { title: `status ${code}`, behaviour: { does: "answer", status: code }, outcome };
}

function withBody({ behaviour, ...rest }: Refused, refusal: ConformanceOptions<Capability>["refusal"]): Case {
  const body = typeof refusal === "string" ? refusal : refusal(behaviour.status);
  return { ...rest, behaviour: { ...behaviour, body } };
}

/** What stands behind "Basic" or "Bearer", as it was sent and, of a pair, the password: an encoded key is a key. */
function credentialsIn(authorization = ""): readonly string[] {
  const [, scheme, sent] = /^(Basic|Bearer) (.+)$/iu.exec(authorization) ?? [];
  if (scheme === undefined || sent === undefined) return [];
  const pair = scheme.toLowerCase() === "basic" ? Buffer.from(sent, "base64").toString() : "";
  return [sent, pair.slice(pair.indexOf(":") + 1)].filter((credential) => credential !== "");
}

function lost(code: string): Expectation {
  return { kind: "ambiguous", code };
}
