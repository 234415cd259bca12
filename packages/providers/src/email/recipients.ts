import type { EmailAddress, EmailRequest } from "@understudy/core";

interface Recipients {
  readonly to: readonly EmailAddress[];
  readonly cc: readonly EmailAddress[];
  readonly bcc: readonly EmailAddress[];
}

/** Everybody once, where they stand first: some vendors refuse a message that names an address twice. */
export function uniqueRecipients({ to, cc = [], bcc = [] }: EmailRequest): Recipients {
  const seen = new Set<string>();
  const unseen = ({ email }: EmailAddress): boolean => {
    const key = email.toLowerCase();
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
  return { to: to.filter(unseen), cc: cc.filter(unseen), bcc: bcc.filter(unseen) };
}
