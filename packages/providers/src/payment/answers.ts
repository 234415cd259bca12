import type { ChargeReceipt, RefundReceipt } from "@understudy/core";

import type { Found } from "../transport/implement-look-up.ts";
import type { Answer } from "../transport/implement.ts";

/** What a charge or a refund came to. */
type MoneyReceipt = ChargeReceipt | RefundReceipt;

/** The outcome with this receipt; only of what is pending the provider tells more by itself. */
export function answered<Receipt extends MoneyReceipt>(receipt: Receipt): Answer<Receipt> {
  const id = "chargeId" in receipt ? receipt.chargeId : "refundId" in receipt ? receipt.refundId : undefined;
  return {
    kind: "delivered",
    receipt,
    final: receipt.status !== "pending",
    ...(id !== undefined && { externalId: id }),
  };
}

/** From what moved money to what did not. */
const byWeight: readonly MoneyReceipt["status"][] = [
  "captured",
  "refunded",
  "pending",
  "needs_action",
  "declined",
];

/**
 * What a look-up found of one job: what moved money outweighs what did not. Undefined stands for something that is there and of
 * which nobody can say what it is, and so does another amount than was asked: then only moved money is sure.
 */
export function whatCounts<Receipt extends MoneyReceipt>(
  receipts: readonly (Receipt | undefined)[],
  asked: Pick<MoneyReceipt, "amountMinor" | "currency">,
): Found<Receipt> {
  if (receipts.length === 0) return "not_found";
  const known = receipts.filter(
    (receipt) => receipt?.amountMinor === asked.amountMinor && receipt.currency === asked.currency,
  ) as readonly Receipt[];
  const [heaviest] = known.toSorted((a, b) => byWeight.indexOf(a.status) - byWeight.indexOf(b.status));
  if (heaviest === undefined) return "cannot_tell";
  const movedMoney = heaviest.status === "captured" || heaviest.status === "refunded";
  return movedMoney || known.length === receipts.length ? answered(heaviest) : "cannot_tell";
}
