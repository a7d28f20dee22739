// Compiles every schema with ajv in strict mode and holds the examples against it.
// Reads {"schemas": [...], "documents": {name: OpenAPI document}, "texts": [...]} from standard input.
import { readFileSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const given = JSON.parse(readFileSync(0, "utf8"));
const validator = () => addFormats(new Ajv2020({ strict: true, allErrors: true }));
let checked = 0;

function hold(validate, examples, name) {
  for (const example of examples ?? []) {
    if (!validate(example)) throw new Error(`${name}: ${JSON.stringify(validate.errors)}`);
    checked += 1;
  }
}

const files = validator();
for (const schema of given.schemas) files.addSchema(schema);
for (const schema of given.schemas) hold(files.getSchema(schema.$id), schema.examples, schema.$id);

for (const [name, document] of Object.entries(given.documents)) {
  // OpenAPI's own keyword beside a `oneOf`; ajv's takes no mapping.
  const components = validator().addVocabulary(["discriminator"]);
  for (const [key, schema] of Object.entries(document.components.schemas)) {
    const text = JSON.stringify(schema).replaceAll("#/components/schemas/", `${name}-`);
    components.addSchema(JSON.parse(text), `${name}-${key}`);
  }
  for (const [key, schema] of Object.entries(document.components.schemas)) {
    hold(components.getSchema(`${name}-${key}`), schema.examples, key);
  }
}

// A line break behind a text is refused.
for (const [id, text] of given.texts) {
  if (files.getSchema(id)(`${text}\n`)) throw new Error(`${id} accepts a line break`);
}
console.log(checked);
