// A small host of functions: loads a folder as the Functions host does, and gives the functions in it what comes over HTTP,
// from Event Grid and from Service Bus. `node host.cjs {folder}`; its port is told on the third stream.
const { readFileSync, writeSync } = require("node:fs");
const { createServer } = require("node:http");
const { join } = require("node:path");
const { eventGrid } = require("./event-grid.cjs");
const { overHttp } = require("./http.cjs");
const { invoke, start } = require(process.env.AZURE_FUNCTIONS_WORKER ? "./real-worker.cjs" : "./worker.cjs");

const [folder] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const { routePrefix = "api" } = read("host.json").extensions.http;

async function bodyOf(incoming) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The host logs a failure with all that the worker tells of it. */
const logFailure = (name, error) =>
  console.log(`Executed 'Functions.${name}' (Failed)\nException: ${error?.message}\nStack: ${error?.stack}`);

async function run(name, data, metadata) {
  try {
    await invoke(name, data, metadata);
    return { ok: true };
  } catch (error) {
    logFailure(name, error);
    return { ok: false };
  }
}

const triggerOf = ({ metadata }) => Object.values(metadata.bindings).find(({ direction }) => direction === "in");

/** Whether a route template means a path; a plain one before one that takes all. */
function routeTo(functions, method, pathname) {
  const candidates = [...functions.values()].map((each) => ({ each, trigger: triggerOf(each) }));
  const fitting = candidates.filter(({ trigger: { type, route = "", methods = [] } }) => {
    const path = [routePrefix, route].filter(Boolean).join("/");
    const isFitting = path.endsWith("{*path}") ? true : `/${path}`.toLowerCase() === pathname.toLowerCase();
    return type === "httpTrigger" && isFitting && methods.includes(method);
  });
  return fitting.sort((a, b) => Number(a.trigger.route.includes("*")) - Number(b.trigger.route.includes("*")))[0];
}

async function toFunction({ functions, httpUri }, incoming, outgoing, url) {
  const found = routeTo(functions, incoming.method, new URL(url).pathname);
  // A key of the function nobody has here.
  const refused = found === undefined ? 404 : found.trigger.authLevel !== "anonymous" ? 401 : undefined;
  if (refused) return outgoing.writeHead(refused).end();
  const { name } = found.each.metadata;
  const error = await overHttp({ httpUri, run: invoke }, name, incoming, outgoing, url);
  if (error) logFailure(name, error);
}

/** A message of the queue: completed if the function returns, abandoned if it throws. */
async function fromServiceBus(functions, body) {
  const { text, contentType, properties = {}, messageId = "1", deliveryCount = 1 } = JSON.parse(body);
  const found = [...functions.values()].find((each) => triggerOf(each).type === "serviceBusTrigger");
  if (found === undefined) return { status: 404 };
  const { queueName, connection } = triggerOf(found);
  const setting = /^%(.+)%$/.exec(queueName)?.[1];
  // The host's own: where it cannot tell the queue, or its namespace, the function does not start.
  if (setting === undefined || !process.env[setting] || !process.env[`${connection}__fullyQualifiedNamespace`])
    return { status: 500 };
  const { ok } = await run(
    found.metadata.name,
    { string: text },
    {
      MessageId: { string: messageId },
      ...(contentType && { ContentType: { string: contentType } }),
      ApplicationProperties: { json: JSON.stringify(properties) },
      // The host sends whole numbers as JSON (ToRpcDefault). As an `int` of gRPC it would reach a function as an object.
      DeliveryCount: { json: String(deliveryCount) },
    },
  );
  return { status: 200, body: ok ? "completed" : "abandoned" };
}

/** What the host and its extensions serve themselves; undefined for what a function serves. */
async function ofTheHost({ functions }, pathname, incoming, url) {
  const request = async () => ({
    method: incoming.method,
    url,
    headers: incoming.headers,
    body: await bodyOf(incoming),
  });
  if (pathname === "/runtime/webhooks/eventgrid") return eventGrid(functions, run, await request());
  if (pathname === "/.test/service-bus") return fromServiceBus(functions, await bodyOf(incoming));
  if (pathname === "/.test/functions") return { status: 200, body: JSON.stringify([...functions.keys()]) };
  return undefined;
}

async function main() {
  const worker = await start(folder);
  const server = createServer(async (incoming, outgoing) => {
    const url = `http://${incoming.headers.host}${incoming.url}`;
    const own = await ofTheHost(worker, new URL(url).pathname, incoming, url);
    if (own) outgoing.writeHead(own.status, own.headers).end(own.body);
    else await toFunction(worker, incoming, outgoing, url);
  });
  server.listen(0, "127.0.0.1", () => writeSync(3, String(server.address().port)));
}

main();
