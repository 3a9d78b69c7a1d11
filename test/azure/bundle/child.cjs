// Loads a function app as the host's worker does, sends it one request, and tells on the third stream what that took and
// what it loaded.
const { writeSync } = require("node:fs");
const { invoke, start, toRpcHttp } = require("../runtime/worker.cjs");

const [file, name, request] = process.argv.slice(2);
const { method = "POST", path, headers = {}, body, event } = JSON.parse(request);
const before = new Set(Object.keys(require.cache));

async function main() {
  const started = performance.now();
  await start(file);
  const imported = performance.now();
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const data =
    event === undefined
      ? toRpcHttp({ method, url: `https://registry.example${path}`, headers, body: bytes })
      : { json: JSON.stringify(event) };
  let outcome;
  try {
    const { returnValue } = await invoke(name, data);
    const { statusCode, body: said } = returnValue?.http ?? {};
    const text = Buffer.from(said?.bytes ?? said?.string ?? "").toString();
    outcome = { answer: { status: Number(statusCode ?? 0), text } };
  } catch (error) {
    outcome = { error: { name: error.name, message: error.message } };
  }
  const milliseconds = { import: imported - started, total: performance.now() - started };
  const loaded = Object.keys(require.cache).filter((each) => !before.has(each));
  writeSync(3, JSON.stringify({ ...outcome, milliseconds, loaded }));
  process.exit();
}

main();
