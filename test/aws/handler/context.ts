import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";

/** Lambda's context of one invocation, which always has so much time left, however slow the machine is. */
export function contextOf({ remainingMs = 30_000, account = "111122223333" } = {}): Context {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: "artifact-registry",
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:us-east-1:${account}:function:artifact-registry`,
    memoryLimitInMB: "512",
    awsRequestId: randomUUID(),
    logGroupName: "/aws/lambda/artifact-registry",
    logStreamName: "2026/05/06/[$LATEST]0123456789abcdef",
    getRemainingTimeInMillis: () => remainingMs,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
