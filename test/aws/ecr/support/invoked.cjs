// Loads a bundled function as Lambda's runtime does, and invokes it for each line on its standard input: `{id, event}`. It
// answers each with a line of its own, in whatever order they end. No TypeScript, since it runs bundles of other versions too.
const { createInterface } = require("node:readline");
const { randomUUID } = require("node:crypto");

const [file, remainingMs] = process.argv.slice(2);
const { handler } = require(file);
const context = () => ({
  awsRequestId: randomUUID(),
  invokedFunctionArn: "arn:aws:lambda:us-east-1:111122223333:function:artifact-registry",
  getRemainingTimeInMillis: () => Number(remainingMs),
});
// The function logs to its standard output: its answers go out apart.
const { writeSync } = require("node:fs");

createInterface({ input: process.stdin }).on("line", async (line) => {
  const { id, event } = JSON.parse(line);
  const outcome = await handler(event, context()).then(
    (answer) => ({ answer }),
    (error) => ({ error: JSON.parse(error.message) }),
  );
  writeSync(3, `${JSON.stringify({ id, ...outcome })}\n`);
});
