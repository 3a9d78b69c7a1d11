// Loads a function app as the host's worker does, sends it one request, and tells on the third stream what that took and
// what it loaded.
const { writeSync } = require("node:fs");
const { createServer, request: send } = require("node:http");
const { text } = require("node:stream/consumers");
const { overHttp } = require("../runtime/http.cjs");
const { invoke, start } = require("../runtime/worker.cjs");

const [file, name, request] = process.argv.slice(2);
const { method = "POST", path, headers = {}, body, event } = JSON.parse(request);
const before = new Set(Object.keys(require.cache));

/** Sends the request over a socket, as a client does, to a host that takes it to the function. */
async function ask(worker) {
  const server = createServer((incoming, outgoing) =>
    overHttp({ httpUri: worker.httpUri, run: invoke }, name, incoming, outgoing, `https://registry.example${path}`),
  );
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const response = await new Promise((resolve, reject) => {
    const { port } = server.address();
    const length = content && { "content-length": content.length };
    send({ host: "127.0.0.1", port, method, path, headers: { ...headers, ...length } }, resolve)
      .once("error", reject)
      .end(content);
  });
  return { status: response.statusCode, text: await text(response) };
}

async function main() {
  const [started, used] = [performance.now(), process.cpuUsage()];
  const worker = await start(file);
  const imported = performance.now();
  let outcome;
  try {
    if (event === undefined) outcome = { answer: await ask(worker) };
    else
      outcome = { answer: await invoke(name, { json: JSON.stringify(event) }).then(() => ({ status: 0, text: "" })) };
  } catch (error) {
    outcome = { error: { name: error.name, message: error.message } };
  }
  const total = performance.now() - started;
  const { user, system } = process.cpuUsage(used);
  const milliseconds = { import: imported - started, total, processor: (user + system) / 1_000 };
  const loaded = Object.keys(require.cache).filter((each) => !before.has(each));
  writeSync(3, JSON.stringify({ ...outcome, milliseconds, loaded }));
  process.exit();
}

main();
