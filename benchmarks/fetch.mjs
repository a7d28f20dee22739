// Places orders one after the other with Node's fetch: node fetch.mjs URL KEY RUN ORDERS TEMPLATE.
// The marks in the template are replaced as `bodies.written` does it.
const [url, apiKey, run, orders, template] = process.argv.slice(2);

for (let number = 1; number <= Number(orders); number++) {
  let places = 0;
  const body = template.replace(/<NUMBER>|<VALUE>/g, (mark) => {
    if (mark === "<NUMBER>") return `${run}-${number}`;
    places += 1;
    return ((1000 + ((number * 7919 + places * 613) % 9000)) / 100).toFixed(2);
  });
  const answer = await fetch(`${url}/order`, {
    method: "POST",
    headers: {
      "X-Api-Key": apiKey,
      "X-Idempotency-Key": `${run}-${number}`,
      "Content-Type": "application/json",
    },
    body,
  });
  await answer.json();
  if (answer.status !== 202) throw new Error(`status ${answer.status}`);
}
