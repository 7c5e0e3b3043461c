// As drive.py says.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [path, header] = process.argv.slice(2);
const { verify, NotVerifiedError } = await import(pathToFileURL(path));
for (const line of readFileSync(0, "utf8").trimEnd().split("\n")) {
  const [secret, lines, body] = line.split("\t").map((each) => Buffer.from(each, "base64"));
  const pairs = lines.toString().split("\n").filter(Boolean);
  const headers = Object.fromEntries(pairs.map((each) => each.split(/: (.*)/s)));
  try {
    const found = verify(secret.toString(), header ? headers[header] : headers, body);
    console.log(found === false ? "refused" : "verified");
  } catch (error) {
    if (error.name !== "Error") throw error;
    console.log(NotVerifiedError && error instanceof NotVerifiedError ? "refused" : "unusable");
  }
}
