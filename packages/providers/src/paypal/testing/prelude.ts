/** The access token that PayPal is asked for before anything else. */
export const prelude = {
  path: "/v1/oauth2/token",
  answer: {
    status: 200,
    body: JSON.stringify({ access_token: "A21-conformance", token_type: "Bearer", expires_in: 32_400 }),
  },
} as const;
