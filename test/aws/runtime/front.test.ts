import { ECRClient } from "@aws-sdk/client-ecr";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SdkCredentials } from "../../emulators/aws/index.ts";
import { allow, HOME, useEmulator } from "../../emulators/aws/support.ts";
import type { Front } from "../../support/front.ts";
import { callUrlPolicy, startFront } from "./front.ts";
import { functionArn } from "./function.ts";

const aws = useEmulator();

/** A function that answers with the event that it got. */
const echo = {
  invoke: async (event: unknown) => ({ failed: false, payload: { statusCode: 200, body: JSON.stringify(event) } }),
};
const fronts: Front[] = [];
beforeAll(async () => {
  for (const type of ["AWS_IAM", "NONE"] as const) fronts.push(await startFront(aws(), echo, type));
});
afterAll(() => Promise.all(fronts.map((front) => front.stop())));
const urlOf = (index: number) => `${fronts[index]?.url}/v1/getRepository?a=b`;

const body = '{"registry":"images"}';
const session = (role: string, policies: object) => aws().credentialsFor(aws().role(HOME, role, { policies } as never));
const may = () => session("worker", { call: callUrlPolicy() });

/** Sends a request that these credentials have signed. */
async function send(credentials: SdkCredentials, { service = "lambda", region = "us-east-1", sent = body } = {}) {
  const { host, hostname, pathname, searchParams } = new URL(urlOf(0));
  const { sha256 } = new ECRClient({ region }).config;
  const signer = new SignatureV4({ service, region, sha256, credentials });
  const { headers } = await signer.sign({
    method: "POST",
    protocol: "http:",
    hostname,
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers: { host, "content-type": "application/json" },
    body,
  });
  return fetch(urlOf(0), { method: "POST", headers, body: sent });
}

describe("before a URL with AWS_IAM", () => {
  test("who may call it is told to the function, and the signature is not", async () => {
    const answer = await send(may());
    expect(answer.status).toBe(200);
    const { headers, requestContext, ...event } = (await answer.json()) as Record<string, Record<string, unknown>>;
    expect(requestContext).toMatchObject({
      http: { method: "POST", path: "/v1/getRepository" },
      authorizer: { iam: { userArn: `arn:aws:sts::${HOME}:assumed-role/worker/function` } },
    });
    expect(headers).not.toHaveProperty("authorization");
    expect(event).toMatchObject({ rawPath: "/v1/getRepository", rawQueryString: "a=b", isBase64Encoded: true });
    expect(Buffer.from(String(event.body), "base64").toString()).toBe(body);
  });

  const urlOnly = { url: allow("lambda:InvokeFunctionUrl", functionArn) };
  const another = { url: allow(["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], `${functionArn}-other`) };
  const refusals: Record<string, [() => Promise<Response>, RegExp]> = {
    "nobody signed it": [() => fetch(urlOf(0), { method: "POST", body }), /missing Authentication Token/],
    "a bearer token": [
      () => fetch(urlOf(0), { method: "POST", body, headers: { authorization: "Bearer x" } }),
      /missing Authentication Token/,
    ],
    "another's secret": [() => send({ ...may(), secretAccessKey: "guessed" }), /signature/],
    "another body": [() => send(may(), { sent: '{"registry":"other"}' }), /hash|signature/],
    "another service": [() => send(may(), { service: "ecr" }), /correct service/],
    "another region": [() => send(may(), { region: "eu-west-1" }), /valid region/],
    "a role without a policy": [() => send(session("stranger", {})), /Forbidden/],
    "a role with one of both actions": [() => send(session("half", urlOnly)), /Forbidden/],
    "a role for another function": [() => send(session("other", another)), /Forbidden/],
  };
  test.each(Object.entries(refusals))("%s is refused", async (_what, [ask, why]) => {
    const answer = await ask();
    expect([answer.status, await answer.text()]).toEqual([403, expect.stringMatching(why)]);
  });
});

test("before a URL with NONE everything passes, and nobody is vouched for", async () => {
  const answer = await fetch(urlOf(1), { method: "POST", body, headers: { authorization: "Bearer x" } });
  const { headers, requestContext } = (await answer.json()) as Record<string, Record<string, unknown>>;
  expect(headers).toMatchObject({ authorization: "Bearer x" });
  expect(requestContext).not.toHaveProperty("authorizer");
});
