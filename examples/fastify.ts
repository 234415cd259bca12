import { type Client, EnqueueError } from "@understudy/client";
import { welcomeEmail } from "@understudy/jobs";
import Fastify, { type FastifyInstance } from "fastify";

interface SignUp {
  readonly Body: { readonly email: string; readonly name: string };
}

/** A sign-up that answers once the welcome mail is stored: not when it is sent, and not when it is lost. */
export function createApp(client: Client): FastifyInstance {
  const app = Fastify();
  app.post<SignUp>("/sign-up", async ({ body, headers }, reply) => {
    // The same sign-up, sent twice by an impatient browser or a proxy, is one mail.
    const idempotencyKey = String(headers["idempotency-key"] ?? `sign-up ${body.email}`);
    const { id, status } = await client.enqueue(
      welcomeEmail,
      { to: body.email, name: body.name },
      { idempotencyKey },
    );
    return reply.code(status === "conflict" ? 409 : 202).send({ id, status });
  });
  app.setErrorHandler((error, _, reply) => {
    if (!(error instanceof EnqueueError)) return reply.send(error);
    // Sending the same request again is safe in each case.
    const isCallersFault = error.code === "payload_invalid" || error.code === "payload_too_large";
    return reply.code(isCallersFault ? 400 : 503).send({ code: error.code, message: error.message });
  });
  return app;
}
