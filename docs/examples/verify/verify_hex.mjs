// Verify a webhook request under the profiles hex (`<hex>`) and sha256 (`sha256=<hex>`). Needs nothing but Node.

import { createHmac, timingSafeEqual } from "node:crypto";

/** Whether `signature`, the header's value, was made with `secret` over `body`, the bytes as they came. */
export function verify(secret, signature, body) {
  if (!secret) throw new Error("there is no secret"); // not an empty key by accident
  const expected = Buffer.from(createHmac("sha256", secret).update(body).digest("hex"));
  const given = Buffer.from((signature ?? "").replace(/^sha256=/, ""));
  return given.length === expected.length && timingSafeEqual(given, expected);
}
