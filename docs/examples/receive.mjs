// A small endpoint that checks every request before it believes it. Needs nothing but Node.
//
//     node receive.mjs acme.secret.json
//
// `acme.secret.json` is what `hookline webhooks create … --json` printed: it names the port and holds the secret.

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

/** Throw unless the request was signed with `secret`, is unchanged, and is at most 5 minutes old. */
function verify(secret, headers, body) {
  const sentAt = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - Number(sentAt)) <= 300)) throw new Error("too old, or from the future");
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sentAt}.`), body]);
  const wanted = Buffer.from("v1," + createHmac("sha256", key).update(signed).digest("base64"));
  const given = (headers["webhook-signature"] ?? "").split(" ").map((each) => Buffer.from(each));
  if (!given.some((each) => each.length === wanted.length && timingSafeEqual(each, wanted))) {
    throw new Error("no signature fits");
  }
}

const webhook = JSON.parse(readFileSync(process.argv[2], "utf8"));

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks); // the bytes as they came: parsed and written again they may differ
  try {
    verify(webhook.secret, request.headers, body);
    console.log(`verified ${request.headers["webhook-id"]}: ${body}`);
    response.writeHead(204).end();
  } catch (error) {
    console.log(`refused: ${error.message}`);
    response.writeHead(401).end();
  }
}).listen(Number(new URL(webhook.url).port || 80), "127.0.0.1");
