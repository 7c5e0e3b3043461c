// Verify a webhook request signed with Ed25519, as Standard Webhooks says. Needs nothing but Node.

import { createPublicKey, verify as verifySignature } from "node:crypto";

const TOLERANCE_S = 5 * 60;

/** Answer 401, and do nothing else with the request. */
export class NotVerifiedError extends Error {}

/** Throw NotVerifiedError unless the holder of `publicKey` (`whpk_…`) signed the request, unchanged, just now. */
export function verify(publicKey, headers, body) {
  const id = headers["webhook-id"] ?? "";
  const timestamp = headers["webhook-timestamp"] ?? "";
  const signatures = headers["webhook-signature"] ?? "";
  if (!/^[0-9]{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) {
    throw new NotVerifiedError("too old, or from the future");
  }
  const x = Buffer.from(publicKey.replace(/^whpk_/, ""), "base64").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  // There are several while a key is being changed: one that fits is enough.
  const fits = signatures.split(" ").some((each) => {
    const [version, signature = ""] = each.split(",");
    return version === "v1a" && verifySignature(null, signed, key, Buffer.from(signature, "base64"));
  });
  if (!fits) throw new NotVerifiedError("no signature fits");
}
