/** Who serves the tour's jobs, by capability: the first is asked first, but for sinks, which all get a copy. */
export const routes = {
  "email.send": ["sendgrid", "mailgun", "smtp"],
  "payment.charge": ["stripe", "square"],
  "payment.refund": ["stripe", "square"],
  "analytics.track": ["segment", "mixpanel"],
} as const;

export const mailRoute = routes["email.send"];
export const PRIMARY = mailRoute[0];
export const CASHIER = routes["payment.charge"][0];

export const providers: readonly string[] = [...new Set<string>(Object.values(routes).flat())];

/** A delivery by any other was a failover. */
export const primaries: ReadonlySet<string> = new Set([PRIMARY, CASHIER, ...routes["analytics.track"]]);
