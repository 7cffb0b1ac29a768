// Shows /openapi.json. Small on purpose: the usual viewers are megabytes or come from another host.

function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}

/** Docstrings come with their line breaks; only empty lines part paragraphs. */
const flowing = (text) => text.split("\n\n").map((each) => element("p", each.replaceAll("\n", " ")));

const follow = (spec, schema) => (schema?.$ref ? spec.components.schemas[schema.$ref.split("/").pop()] : schema) ?? {};

function typeOf(spec, schema) {
  if (schema.anyOf) return schema.anyOf.map((each) => typeOf(spec, each)).join(" or ");
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.type === "array") return `list of ${typeOf(spec, schema.items)}`;
  return schema.format === "binary" ? "file" : (schema.type ?? "any");
}

/** Name and type of each field; those of an object inside follow as `name.field`, of a list as `name[].field`. */
function fields(spec, schema, prefix = "", list = element("dl")) {
  for (const [name, property] of Object.entries(follow(spec, schema).properties ?? {})) {
    const inner = property.type === "array" ? property.items : property;
    const described = [typeOf(spec, property), property.description].filter(Boolean).join(": ");
    list.append(element("dt", prefix + name), element("dd", described));
    if (inner.$ref || inner.properties) fields(spec, inner, `${prefix}${name}${property.type === "array" ? "[]" : ""}.`, list);
  }
  return list;
}

function example(path, method, operation) {
  const url = `${location.origin}${path.replace("{channel}", "demo")}`;
  const words = ["curl"];
  if (method !== "get") words.push("-X", method.toUpperCase());
  words.push(`'${url}'`);
  if (operation.requestBody) words.push("-H 'Content-Type: application/json'", `-d '{"text": "Hello"}'`);
  return element("pre", words.join(" ").replaceAll(" -", " \\\n  -"));
}

function section(spec, path, method, operation) {
  const title = element("h2", element("b", method.toUpperCase()), path);
  const made = element("article", title, ...flowing(operation.description ?? operation.summary ?? ""));
  const parameters = operation.parameters ?? [];
  if (parameters.length) {
    const list = element("dl");
    for (const { name, in: place, description, schema } of parameters) {
      list.append(element("dt", name), element("dd", [place, schema?.pattern, description].filter(Boolean).join(" · ")));
    }
    made.append(element("h3", "Parameters"), list);
  }
  for (const [type, { schema }] of Object.entries(operation.requestBody?.content ?? {})) {
    made.append(element("h3", `Send ${type}`), fields(spec, schema));
  }
  for (const [status, { content }] of Object.entries(operation.responses)) {
    const schema = content?.["application/json"]?.schema;
    if (!schema || !follow(spec, schema).properties) continue;
    made.append(element("h3", `Answer ${status.toLowerCase()}`), ...flowing(follow(spec, schema).description ?? ""), fields(spec, schema));
  }
  made.append(element("h3", "Try"), example(path, method, operation));
  return made;
}

const spec = await (await fetch("/openapi.json")).json();
document.querySelector("h1").textContent = `${spec.info.title} API`;
document.getElementById("about").textContent = spec.info.description;
const main = document.querySelector("main");
for (const [path, methods] of Object.entries(spec.paths)) {
  for (const [method, operation] of Object.entries(methods)) main.append(section(spec, path, method, operation));
}
