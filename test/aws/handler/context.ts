import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";

/** Lambda's context of one invocation. */
export function contextOf({ remainingMs = 30_000, account = "111122223333" } = {}): Context {
  const started = performance.now();
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: "artifact-registry",
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:us-east-1:${account}:function:artifact-registry`,
    memoryLimitInMB: "512",
    awsRequestId: randomUUID(),
    logGroupName: "/aws/lambda/artifact-registry",
    logStreamName: "2026/05/06/[$LATEST]0123456789abcdef",
    getRemainingTimeInMillis: () => Math.max(0, remainingMs - (performance.now() - started)),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
