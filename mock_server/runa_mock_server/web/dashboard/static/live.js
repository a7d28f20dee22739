// What the server says has changed. EventSource cannot send the token, so the stream is read here.

import { address, fetchWithToken } from "./api.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

/** Listen for ever: `changed(parts)` for each event, `state(text, isLive)` for the connection. */
export async function listen(changed, state) {
  let pause = FIRST_PAUSE;
  for (;;) {
    try {
      const response = await fetchWithToken(address("events", {}, { whole: true }));
      if (!response.ok) throw new Error(String(response.status));
      state("live", true);
      pause = FIRST_PAUSE;
      await read(response.body.getReader(), changed);
    } catch {
      // Told below: whatever the reason is, there is no connection.
    }
    state("not connected, trying again", false);
    await new Promise((done) => setTimeout(done, pause));
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

async function read(reader, changed) {
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + decoder.decode(value, { stream: true })).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) changed(new Set(JSON.parse(data.slice("data: ".length))));
    }
  }
}
