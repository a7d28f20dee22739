// A client with one habit, named by its argument; without one it is correct.
import { randomUUID } from "node:crypto";

const { RUNA_BASE_URL: url, RUNA_API_KEY: apiKey, WAIT_429 = "0.5" } = process.env;
const habit = process.argv[2] ?? "careful";
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

function fail(reason) {
  console.log(reason);
  process.exit(1);
}

async function send(method, path, body, key) {
  const headers = { "X-Api-Key": apiKey, "X-Api-Version": "2024-02-05" };
  if (key) Object.assign(headers, { "X-Idempotency-Key": key, "Content-Type": "application/json" });
  const signal = habit === "no-timeout" ? undefined : AbortSignal.timeout(1500);
  const response = await fetch(url + path, { method, headers, body, signal });
  const text = await response.text();
  return { status: response.status, document: response.ok ? JSON.parse(text) : {} };
}

async function place() {
  let key = randomUUID();
  for (let attempt = 0; attempt < 6; attempt++) {
    const order = {
      payment_method: { type: "ACCOUNT_BALANCE", currency: "USD" },
      items: [
        {
          face_value: 10,
          distribution_method: { type: "PAYOUT_LINK" },
          products: { type: "SINGLE", value: "1800FL-US" },
        },
      ],
      description: habit === "changed-body" ? `attempt ${attempt}` : null,
    };
    let answer;
    try {
      answer = await send("POST", "/order", JSON.stringify(order), key);
    } catch {
      if (habit === "no-retry") fail("no response");
      if (habit === "new-key") key = randomUUID();
      await pause(0.02);
      continue;
    }
    if (answer.status < 300) return answer.document.id;
    if (answer.status === 429) await pause(habit === "no-wait-429" ? 0 : Number(WAIT_429));
    else if (answer.status >= 500) await pause(0.02);
    else if (habit !== "retries-refusals" || attempt === 2) fail(`refused: ${answer.status}`);
  }
  fail("gave up");
}

async function wait(id) {
  for (;;) {
    try {
      const { status, document } = await send("GET", `/order/${id}`);
      if (status === 200 && document.status !== "PROCESSING") return document;
      if (status >= 400 && status < 500 && status !== 429) fail(`refused: ${status}`);
    } catch {
      // Read again.
    }
    await pause(habit === "hammers" ? 0 : 0.5);
  }
}

const id = await place();
if (habit !== "never-reads") {
  const order = await wait(id);
  if (order.status === "FAILED" && habit !== "ignores-failed") fail("the order failed");
}
process.exit(0);
