import { chargeRequest, defineJob, paymentCharge } from "@understudy/core";

const day = 86_400_000;

/** Takes money from a stored payment method. Its receipt stays for 30 days: so long a repeated enqueue is absorbed, and a refund finds it. */
export const chargeCard = defineJob({
  name: "charge-card",
  queue: "payments",
  payload: chargeRequest,
  capability: paymentCharge,
  toRequest: (payload) => payload,
  keepCompletedMs: 30 * day,
  sensitive: ["paymentMethod", "customer", "description", "metadata"],
});
