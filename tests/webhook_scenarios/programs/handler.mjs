// A webhook handler with one habit, named by its argument; without one it is correct.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const habit = process.argv[2] ?? "careful";
const key = Buffer.from(process.env.RUNA_WEBHOOK_SECRET.slice("whsec_".length), "base64");
const seen = new Set();
let count = 0;

function isSigned(headers, body) {
  if (habit === "no-verification") return true;
  const { "svix-id": id, "svix-timestamp": timestamp, "svix-signature": signatures = "" } = headers;
  if (habit !== "no-timestamp-check" && Math.abs(Date.now() / 1000 - timestamp) > 300) return false;
  const signed = habit === "rewrites-compact" ? JSON.stringify(JSON.parse(body)) : body;
  const right = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(signed).digest();
  return signatures.split(" ").some((each) => {
    const given = Buffer.from(each.replace("v1,", ""), "base64");
    return given.length === right.length && timingSafeEqual(given, right);
  });
}

const server = createServer(async (request, response) => {
  if (request.method === "GET") return response.end(String(count));
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  if (!isSigned(request.headers, body)) return response.writeHead(400).end();
  const id = request.headers["svix-id"];
  if (!seen.has(id) || habit === "no-deduplication") count += 1;
  seen.add(id);
  response.writeHead(204).end();
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
