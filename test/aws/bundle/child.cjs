// Loads a function, invokes it once, and tells on the third stream what that took and what it loaded. No TypeScript and no
// import of anything that the function itself would have to load.
const { writeSync } = require("node:fs");

const [file, event] = process.argv.slice(2);
const context = {
  awsRequestId: "00000000-0000-4000-8000-000000000000",
  invokedFunctionArn: "arn:aws:lambda:us-east-1:111122223333:function:artifact-registry",
  getRemainingTimeInMillis: () => 30_000,
};

async function main() {
  const [started, used] = [performance.now(), process.cpuUsage()];
  // As Lambda's runtime does: a CommonJS function is required, an ES module imported.
  const { handler } = file.endsWith(".mjs") ? await import(file) : require(file);
  const imported = performance.now();
  const outcome = await handler(JSON.parse(event), context).then(
    (answer) => ({ answer }),
    (error) => ({ error: { name: error.name, message: error.message } }),
  );
  const total = performance.now() - started;
  const { user, system } = process.cpuUsage(used);
  const milliseconds = { import: imported - started, total, processor: (user + system) / 1_000 };
  writeSync(3, JSON.stringify({ ...outcome, milliseconds, loaded: Object.keys(require.cache) }));
}

main();
