/** https://developer.paypal.com/docs/api/orders/v2/#definition-vault_id */
const vaultId = /^[\w-]{1,255}$/u;
/** A reference transaction of PayPal's older kind. */
const agreement = /^B-\w+$/u;

/**
 * What the token stands for: the vault's id of a PayPal wallet, `card:` and that of a card, or a billing agreement `B-…`.
 * Undefined when it is none of these. https://developer.paypal.com/docs/multiparty/checkout/save-payment-methods/
 */
export function paymentSourceOf(token: string): object | undefined {
  if (agreement.test(token)) return { token: { id: token, type: "BILLING_AGREEMENT" } };
  if (vaultId.test(token)) return { paypal: { vault_id: token } };
  const card = token.replace(/^card:/u, "");
  if (card === token || !vaultId.test(card)) return undefined;
  // The customer is not there.
  const stored_credential = {
    payment_initiator: "MERCHANT",
    payment_type: "UNSCHEDULED",
    usage: "SUBSEQUENT",
  };
  return { card: { vault_id: card, stored_credential } };
}
