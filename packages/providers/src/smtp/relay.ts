import { AsyncLocalStorage } from "node:async_hooks";
import type { Readable } from "node:stream";

import type Nodemailer from "nodemailer";
import type { SendMailOptions, SMTPSentMessageInfo, Transporter } from "nodemailer";

import { loadSdk } from "../load-sdk.ts";

export interface RelayConfig {
  readonly url: string;
  readonly requireTls?: boolean | undefined;
}

/** How far a message got on its way to the relay. nodemailer's errors are the same before and after the final dot. */
export interface Phase {
  /** The message as nodemailer reads it; absent until the relay has taken the envelope. */
  stream?: Readable;
}

const phases = new AsyncLocalStorage<Phase>();

export interface Relay {
  /** Everything in the URL that must not be printed. */
  readonly secrets: readonly string[];
  /** One connection for one message, and no second try. Throws what nodemailer throws; `phase` tells how far it came. */
  send(message: SendMailOptions, phase: Phase): Promise<SMTPSentMessageInfo>;
}

/** @throws when the URL is not one of a relay; the message does not repeat it */
export function createRelay(config: RelayConfig): Relay {
  const url = parse(config.url);
  const user = decodeURIComponent(url.username);
  const pass = decodeURIComponent(url.password);
  const mailer = mailerOf(url, user, pass, config.requireTls ?? !isLoopback(url.hostname));
  mailer.use("stream", (mail, done) => {
    const phase = phases.getStore();
    const read = mail.message.createReadStream.bind(mail.message);
    mail.message.createReadStream = (options) => {
      const stream = read(options);
      if (phase !== undefined) phase.stream = stream;
      return stream;
    };
    done();
  });
  return {
    // The last two as AUTH LOGIN and AUTH PLAIN send them.
    secrets: [config.url, url.password, pass, base64(pass), base64(`\0${user}\0${pass}`)],
    send: (message, phase) => phases.run(phase, () => mailer.sendMail(message)),
  };
}

function mailerOf(
  url: URL,
  user: string,
  pass: string,
  requireTLS: boolean,
): Transporter<SMTPSentMessageInfo> {
  const secure = url.protocol === "smtps:";
  const nodemailer = loadSdk("nodemailer") as typeof Nodemailer;
  return nodemailer.createTransport({
    host: url.hostname.replaceAll(/[[\]]/gu, ""),
    port: url.port === "" ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS,
    ...(user !== "" && { auth: { user, pass } }),
    // The call's signal is the deadline; these only keep a forgotten connection from living for ever.
    dnsTimeout: 5000,
    connectionTimeout: 5000,
    greetingTimeout: 30_000,
    socketTimeout: 300_000,
    socketCloseTimeout: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function parse(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^smtps?:$/u.test(parsed.protocol) || parsed.hostname === "")
    throw new Error("SMTP_URL must be like smtp://user:password@host:587.");
  return parsed;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d+){3}$/u.test(host);
}
