// Verify a webhook request under the profile stripe (`t=<seconds>,v1=<hex>`). Needs nothing but Node.

import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_S = 5 * 60;

/** Whether `signature`, the header's value, was made with `secret` over `body`, and just now. */
export function verify(secret, signature, body) {
  if (!secret) throw new Error("there is no secret"); // not an empty key by accident
  const fields = (signature ?? "").split(",").map((each) => each.split("="));
  const [, timestamp = ""] = fields.find(([name]) => name === "t") ?? [];
  if (!/^[0-9]{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_S) return false;
  const mac = createHmac("sha256", secret).update(`${timestamp}.`).update(body);
  const expected = Buffer.from(mac.digest("hex"));
  // There are several v1 while a secret is being changed: one that fits is enough.
  const given = fields.filter(([name]) => name === "v1").map(([, value = ""]) => Buffer.from(value));
  return given.some((each) => each.length === expected.length && timingSafeEqual(each, expected));
}
