// Verify a webhook request signed as Standard Webhooks says. Needs nothing but Node.

import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_S = 5 * 60;

/** Answer 401, and do nothing else with the request. */
export class NotVerifiedError extends Error {}

/**
 * Throw NotVerifiedError unless the request was signed with `secret`, is unchanged and was sent just now.
 *
 * @param {string} secret `whsec_…`
 * @param {Record<string, string | undefined>} headers by lower-case name, as in Node's `request.headers`
 * @param {Buffer} body the bytes as they came
 */
export function verify(secret, headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  const signatures = headers["webhook-signature"] ?? "";
  if (!/^[0-9]{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) {
    throw new NotVerifiedError("too old, or from the future");
  }
  const mac = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.`).update(body);
  const expected = Buffer.from(`v1,${mac.digest("base64")}`);
  // There are several while a secret is being changed: one that fits is enough.
  const given = signatures.split(" ").map((each) => Buffer.from(each));
  if (!given.some((each) => each.length === expected.length && timingSafeEqual(each, expected))) {
    throw new NotVerifiedError("no signature fits");
  }
}

function keyOf(secret) {
  const key = Buffer.from(secret.startsWith("whsec_") ? secret.slice("whsec_".length) : "", "base64");
  if (key.length < 24) throw new Error("the secret is not whsec_ and base64"); // not an empty key by accident
  return key;
}
