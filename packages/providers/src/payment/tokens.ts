import type { ChargeRequest } from "@understudy/core";

/** What stands for the card at this provider; undefined when the charge is not meant for it. */
export function tokenOf({ paymentMethod }: ChargeRequest, provider: string): string | undefined {
  return Object.hasOwn(paymentMethod, provider) ? paymentMethod[provider] : undefined;
}

export function customerOf({ customer = {} }: ChargeRequest, provider: string): string | undefined {
  return Object.hasOwn(customer, provider) ? customer[provider] : undefined;
}
