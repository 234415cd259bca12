import type { FailureKind } from "@understudy/core";

/** What a reply means at one stage of the dialogue. All that a rule names must fit. */
export interface ReplyRule {
  readonly from: number;
  readonly to: number;
  /** The command that was answered; DATA stands for the final dot too. */
  readonly stage?: RegExp;
  /** The enhanced status, such as 5.7.1 (RFC 3463). */
  readonly status?: RegExp;
  readonly words?: RegExp;
  readonly kind: Exclude<FailureKind, "withheld" | "ambiguous">;
  /** The reply code itself when absent: smtp_451. */
  readonly code?: string;
}

const session = /^(?:CONN|EHLO|HELO)/u;
const toSender = /^MAIL FROM/u;
const toRecipient = /^RCPT TO/u;
const toRecipientOrMessage = /^(?:RCPT TO|DATA)/u;

const permanent = { from: 500, to: 599 };
const temporary = { from: 400, to: 499 };
const whole = { from: 400, to: 599 };

const unauthorized = { kind: "unavailable", code: "unauthorized" } as const;
const tooLarge = { kind: "unavailable", code: "too_large" } as const;
const tooFast = { kind: "throttled", code: "rate_limited" } as const;
const senderUnverified = { kind: "unavailable", code: "sender_unverified" } as const;
/** Our client, address or log-in: the next mail would be refused too. */
const forbidden = { kind: "unavailable", code: "forbidden" } as const;
/** An opinion on this message, which the next relay may not share. */
const policyRefused = { kind: "unavailable", code: "policy_refused" } as const;
const recipientRefused = { kind: "rejected", code: "recipient_refused" } as const;

const ourPace =
  /\b(?:sending|submission|outgoing|outbound|daily|hourly)\b.*\b(?:limit|quota)\b|\b(?:limit|quota)\b.*\b(?:sending|per (?:hour|day))\b|\bmax\w* e?mails per\b/iu;
const ourClient =
  /\bclient\b|\b(?:your|sending|remote|connecting) (?:host|server)\b|\bhost \[|\bIP\b|\brelay(?:ing)?\b|\bauthentication (?:is )?required|\bmust (?:first )?authenticate/iu;
const size = /\b(?:message|mail) size|\bsize (?:limit|exceeds)|too (?:big|large)/iu;
const noSuchUser = /\b(?:user unknown|unknown user|no such (?:user|mailbox|recipient)|does not exist)\b/iu;
const ofRecipient = /\brecipient\b|\b(?:does|do) not accept\b|\bnot accepting\b/iu;
const ofSender = /\bsender (?:address )?(?:is )?(?:rejected|not (?:verified|owned|allowed|authori[sz]ed))/iu;
const sentTooMuch = /too many|too much|\brate\b|throttl/iu;

/**
 * RFC 5321 §4.2, RFC 3463; the first rule that fits decides. A relay that answers has not taken the message, so nothing here is
 * ambiguous. Much of what is said to a recipient is meant for us, and relays differ in little but their words: where a refusal
 * does not plainly concern the recipient or the content, the next relay is asked.
 */
const rules: readonly ReplyRule[] = [
  { ...whole, stage: /^STARTTLS/u, kind: "unavailable", code: "tls_failed" },
  { from: 530, to: 539, ...unauthorized },
  { ...permanent, stage: /^AUTH/u, ...unauthorized },
  { ...permanent, stage: session, kind: "unavailable" },
  // The stage is out of order or unknown to the relay: the session is at fault, not the message.
  { from: 502, to: 503, kind: "unavailable" },

  { ...permanent, status: /^5\.(?:2\.3|3\.4)$/u, ...tooLarge },
  { ...permanent, words: size, ...tooLarge },
  { ...permanent, status: /^5\.2\.2$/u, ...recipientRefused },
  { ...permanent, stage: toRecipient, status: /^5\.(?:1\.[0-6]|2\.\d+)$/u, ...recipientRefused },
  { ...permanent, stage: toRecipient, words: noSuchUser, ...recipientRefused },

  { ...whole, status: /^[45]\.4\.5$|^4\.7\.28$/u, ...tooFast },
  { ...temporary, words: sentTooMuch, ...tooFast },
  { ...whole, words: ourPace, ...tooFast },
  // Greylisted, or the mailbox is full: the relay is well.
  { ...temporary, stage: toRecipient, kind: "unavailable", code: "recipient_deferred" },
  { ...temporary, kind: "unavailable" },

  // To a recipient, RFC 5321 means the mailbox by it; otherwise the message.
  { from: 552, to: 552, stage: toRecipient, ...recipientRefused },
  { from: 552, to: 552, ...tooLarge },

  { ...permanent, stage: toRecipient, words: ofSender, ...senderUnverified },
  { ...permanent, stage: toRecipient, status: /^5\.1\.[78]$/u, ...senderUnverified },
  { ...permanent, stage: toRecipientOrMessage, status: /^5\.7\.2[0-7]$/u, ...policyRefused },
  { ...permanent, stage: toRecipientOrMessage, words: /\b(?:SPF|DKIM|DMARC)\b/u, ...policyRefused },
  { ...permanent, words: ourClient, ...forbidden },
  { ...permanent, stage: toRecipientOrMessage, words: /\bpolic(?:y|ies)\b/iu, ...policyRefused },
  { from: 550, to: 559, stage: toSender, ...senderUnverified },
  { ...permanent, stage: toRecipient, words: ofRecipient, ...recipientRefused },
  { ...permanent, stage: toRecipient, status: /^5\.7\./u, ...policyRefused },
  { ...permanent, stage: toRecipient, ...recipientRefused },
  { ...permanent, kind: "rejected" },
];

export function ruleFor(reply: number, command: string, response: string): ReplyRule | undefined {
  const said = wordsOf(response);
  const enhanced = /(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?!\.?\d)/u.exec(said)?.[0] ?? "";
  return rules.find(
    ({ from, to, stage, status, words }) =>
      from <= reply &&
      reply <= to &&
      (stage?.test(command) ?? true) &&
      (status?.test(enhanced) ?? true) &&
      (words?.test(said) ?? true),
  );
}

/** On one line, without the reply code before each, and without addresses: nobody is to be judged by a mailbox named "client". */
function wordsOf(response: string): string {
  return response
    .replaceAll(/^\d{3}[ -]/gmu, "")
    .replaceAll(/\S+@\S+/gu, "")
    .replaceAll(/\s+/gu, " ");
}
