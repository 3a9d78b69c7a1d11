import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../emulators/aws/identity/oracle.ts";
import { renderPolicy } from "./support/module.ts";

const account = "111122223333";
const fn = `arn:aws:lambda:us-east-1:${account}:function:acme-platform`;

describe("who may invoke everything, and calls the platform door", () => {
  const policies = [
    { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "lambda:InvokeFunction", Resource: "*" }] },
    renderPolicy("call-url", { function: fn, any_name: [fn, `${fn}:*`] }),
  ];
  const may = (resource: string, viaUrl: boolean) =>
    evaluate(
      {
        arn: `arn:aws:sts::${account}:assumed-role/caller/s`,
        identityPolicies: policies.map((policy) => JSON.stringify(policy)),
      },
      {
        action: "lambda:InvokeFunction",
        resource,
        resourceAccount: account,
        context: viaUrl ? { "lambda:InvokedViaFunctionUrl": "true" } : {},
      },
    );

  // Nobody invokes it directly under any of its names: what they write into the event would be believed.
  test.each([fn, `${fn}:$LATEST`, `${fn}:1`, `${fn}:live`])("never directly: %s", async (resource) => {
    expect(await may(resource, false)).toBe("ExplicitlyDenied");
  });

  test("never directly, whatever a version or an alias is called", async () => {
    // Lambda API reference, Alias: letters, digits, - and _, up to 128; and `$LATEST` or the number of a version.
    const qualifier = fc.oneof(
      fc.constant("$LATEST"),
      fc.nat().map(String),
      fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/),
    );
    const denied = fc.asyncProperty(qualifier, async (name) => {
      expect(await may(`${fn}:${name}`, false)).toBe("ExplicitlyDenied");
    });
    await fc.assert(denied, { numRuns: 50 });
  });

  test("by its URL", async () => {
    expect(await may(fn, true)).toBe("Allowed");
  });
});
