// A small host of functions: loads a folder as the Functions host does, and gives the functions in it what comes over HTTP,
// from Event Grid and from Service Bus. `node host.cjs {folder}`; its port is told on the third stream.
const { readFileSync, writeSync } = require("node:fs");
const { createServer } = require("node:http");
const { join } = require("node:path");
const { eventGrid } = require("./event-grid.cjs");
const { invoke, start, toRpcHttp } = require("./worker.cjs");

const [folder] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));
const { routePrefix = "api" } = read("host.json").extensions.http;

async function bodyOf(incoming) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The host logs a failure with all that the worker tells of it. */
async function run(name, data, metadata) {
  try {
    return { ok: true, response: await invoke(name, data, metadata) };
  } catch (error) {
    console.log(`Executed 'Functions.${name}' (Failed)\nException: ${error?.message}\nStack: ${error?.stack}`);
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

async function overHttp(functions, { method, url, headers, body }) {
  const found = routeTo(functions, method, new URL(url).pathname);
  if (found === undefined) return { status: 404 };
  // Without a key of the function, which nobody has here.
  if (found.trigger.authLevel !== "anonymous") return { status: 401 };
  const { ok, response } = await run(found.each.metadata.name, toRpcHttp({ method, url, headers, body }));
  if (!ok) return { status: 500 };
  const { http } = response.returnValue;
  return {
    status: Number(http.statusCode),
    headers: http.headers,
    body: Buffer.from(http.body?.bytes ?? http.body?.string ?? ""),
  };
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
      DeliveryCount: { int: deliveryCount },
    },
  );
  return { status: 200, body: ok ? "completed" : "abandoned" };
}

async function main() {
  const functions = await start(join(folder, read("package.json").main));
  const server = createServer(async (incoming, outgoing) => {
    const url = `http://${incoming.headers.host}${incoming.url}`;
    const headers = Object.fromEntries(
      Object.entries(incoming.headersDistinct).map(([name, all]) => [name, all.join(",")]),
    );
    const request = { method: incoming.method, url, headers, body: await bodyOf(incoming) };
    const { pathname } = new URL(url);
    const answer =
      pathname === "/runtime/webhooks/eventgrid"
        ? await eventGrid(functions, run, request)
        : pathname === "/.test/service-bus"
          ? await fromServiceBus(functions, request.body)
          : pathname === "/.test/functions"
            ? { status: 200, body: JSON.stringify([...functions.keys()]) }
            : await overHttp(functions, request);
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, "127.0.0.1", () => writeSync(3, String(server.address().port)));
}

main();
