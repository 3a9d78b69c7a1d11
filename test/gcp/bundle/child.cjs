// Loads a function under the framework's own server, sends it one request, and tells on the third stream what that took and
// what it loaded. No TypeScript and no import of anything that the function itself would have to load.
const { writeSync } = require("node:fs");
const { request } = require("node:http");
// On the platform too the framework is there first.
const { getTestServer } = require("@google-cloud/functions-framework/testing");

const [file, target, golden] = process.argv.slice(2);
const { method, path, headers, body } = JSON.parse(golden);
const before = new Set(Object.keys(require.cache));

function ask(port) {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers }, async (incoming) => {
      let text = "";
      for await (const chunk of incoming) text += chunk;
      resolve({ status: incoming.statusCode, text });
    });
    outgoing.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function main() {
  const [started, used] = [performance.now(), process.cpuUsage()];
  require(file);
  const imported = performance.now();
  const server = getTestServer(target);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const answer = await ask(server.address().port);
  const total = performance.now() - started;
  const { user, system } = process.cpuUsage(used);
  const milliseconds = { import: imported - started, total, processor: (user + system) / 1_000 };
  const loaded = Object.keys(require.cache).filter((each) => !before.has(each));
  writeSync(3, JSON.stringify({ answer, milliseconds, loaded }));
  process.exit();
}

main();
