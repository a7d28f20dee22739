// Places one order of each distribution and selection with a generated client, and reads an error.
// Arguments: the base URL and an API key. Prints the order as it was read, and the errors, as JSON.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };
type Schemas = components["schemas"];

const [, , baseUrl, apiKey] = process.argv;
const client = createClient<paths>({ baseUrl, headers: { "X-Api-Key": apiKey } });

const distributions: Schemas["distribution_method"][] = [
  { type: "PAYOUT_LINK" },
  { type: "EMAIL", email_address: "someone@example.test" },
  { type: "PAYOUT_LINK", template_id: "DT-01HPSF51G0ZWHJ3JTNWRH0WDYK" },
  { type: "RECIPIENT", recipient_reference: "user-17", email_address: "someone@example.test" },
];
const selections: Schemas["product_selection"][] = [
  { type: "SINGLE", value: "1800FL-US" },
  { type: "MULTIPLE", values: ["AMZ-US", "AMC-US"] },
  { type: "TEMPLATE", template_id: "PT-01HQ12PV4B8XMBRTK281JM54KK" },
  { type: "SINGLE", value: "P2C-US" },
];

async function place(faceValue: number, key: string) {
  const order: Schemas["new_order"] = {
    payment_method: { type: "ACCOUNT_BALANCE", currency: "USD" },
    items: distributions.map((distribution_method, index) => ({
      face_value: faceValue,
      distribution_method,
      products: selections[index]!,
    })),
  };
  return client.POST("/order", { params: { header: { "X-Idempotency-Key": key } }, body: order });
}

const placed = await place(10, "typescript-1");
if (placed.data === undefined) throw new Error(JSON.stringify(placed.error));
const read = await client.GET("/order/{id}", { params: { path: { id: placed.data.id } } });
if (read.data === undefined) throw new Error(JSON.stringify(read.error));
if (read.data.status === "PROCESSING") throw new Error(read.data.message);
const addresses = read.data.items.map(({ distribution_method: method }) =>
  method.type === "PAYOUT_LINK" ? null : method.email_address,
);

const refused = await place(0, "typescript-2");
if (refused.error === undefined || !("details" in refused.error)) throw new Error("not refused");
const missing = await client.GET("/order/{id}", { params: { path: { id: "O-unknown" } } });
if (missing.error === undefined) throw new Error("found");
console.log(
  JSON.stringify({
    order: read.data,
    addresses,
    location: refused.error.details[0]?.location,
    missing: missing.error.type,
  }),
);
