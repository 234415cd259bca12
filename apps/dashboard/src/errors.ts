import { UnderstudyError } from "@understudy/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "pino";
import { ZodError } from "zod";

import { wordsPage } from "./pages/words.ts";
import { isConnectionTrouble } from "./redis.ts";
import { refuse, wantsPage } from "./security/guard.ts";

const AGAIN_S = 5;
const away =
  "The dashboard cannot see or change anything until it answers; no job is lost by that. This page tries again by itself.";

/** Every error is a page, or JSON for programs, in words for people. */
export function addErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler(async (error, request, reply) => await answerError(error, request, reply, log));
  app.setNotFoundHandler(
    async (request, reply) => await refuse(request, reply, 404, "Nothing stands at this address."),
  );
}

async function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Logger,
): Promise<FastifyReply> {
  const { status, words } = explain(error);
  if (status === 503) return await sayAway(request, reply);
  if (status >= 500)
    log.error({ event: "request_failed", route: request.routeOptions.url, error }, "a request failed");
  return await refuse(request, reply, status, words);
}

async function sayAway(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  reply.header("retry-after", AGAIN_S);
  if (!wantsPage(request)) return await refuse(request, reply, 503, `Redis does not answer. ${away}`);
  const { session } = request;
  return await reply
    .code(503)
    .type("text/html; charset=utf-8")
    .send(wordsPage({ status: 503, words: away, session, again: AGAIN_S }));
}

export function explain(error: unknown): { readonly status: number; readonly words: string } {
  if (error instanceof UnderstudyError) return { status: statusOf(error), words: error.message };
  if (error instanceof ZodError) return { status: 400, words: "What was asked for makes no sense here." };
  if (isConnectionTrouble(error)) return { status: 503, words: "Redis does not answer." };
  const status =
    error instanceof Error && "statusCode" in error && typeof error.statusCode === "number"
      ? error.statusCode
      : 500;
  // What went wrong inside is for the log: it may hold what nobody here may see.
  if (status < 500 && error instanceof Error) return { status, words: error.message };
  return { status: 500, words: "Something went wrong inside the dashboard; its log says what." };
}

function statusOf({ code }: UnderstudyError): number {
  if (code === "not_permitted") return 403;
  return code.startsWith("redis_") ? 503 : 400;
}
