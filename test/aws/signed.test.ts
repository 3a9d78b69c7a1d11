import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, describe, expect, test } from "vitest";
import { createSignedRequests } from "../../functions/aws/signed.ts";

interface Seen {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let close: (() => Promise<unknown>) | undefined;
afterEach(async () => {
  await close?.();
});

/** An AWS that answers what it is told to. */
async function awsThat(answer: (response: ServerResponse, seen: Seen) => void) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one = { headers: request.headers, body: Buffer.concat(chunks).toString() };
    seen.push(one);
    answer(response, one);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = {
    AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
    AWS_ACCESS_KEY_ID: "ASIAOFTHEFUNCTION",
    AWS_SECRET_ACCESS_KEY: "function",
    AWS_SESSION_TOKEN: "token of the function",
    AWS_ENDPOINT_URL: endpoint,
  };
  return { seen, endpoint, env, requests: createSignedRequests("eu-west-1", env) };
}

const signal = () => AbortSignal.timeout(60_000);
const keys = { accessKeyId: "ASIAOFTHESESSION", secretAccessKey: "session", sessionToken: "token of the session" };
const from = { service: "ecr", region: "eu-west-1", keys } as const;
const role = {
  RoleArn: "arn:aws:iam::111122223333:role/images-pull",
  RoleSessionName: "who-asked",
  Policy: '{"Statement":[{"Action":"*","Resource":["a b","(c)\'!"]}]}',
  DurationSeconds: "900",
};
const session = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId>
  <SecretAccessKey>a&amp;b&#x2b;&#47;</SecretAccessKey><SessionToken>t==</SessionToken>
  <Expiration>2026-12-01T10:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

/** What both send, without what differs from one request to the next. */
const comparable = ({ headers, body }: Seen) => ({
  body: [...new URLSearchParams(body)].sort(),
  target: headers["x-amz-target"],
  token: headers["x-amz-security-token"],
  scope: /Credential=([^,]+)/.exec(headers.authorization ?? "")?.[1]?.replace(/\/\d{8}\//, "/day/"),
});

describe("what is sent is what the SDK sends", () => {
  test("AssumeRole", async () => {
    const aws = await awsThat((response) => response.end(session));
    await aws.requests.assumeRole(role, signal());
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = aws.env;
    const credentials = { accessKeyId, secretAccessKey, sessionToken: aws.env.AWS_SESSION_TOKEN };
    const sdk = new STSClient({ region: "eu-west-1", endpoint: aws.endpoint, credentials });
    await sdk.send(new AssumeRoleCommand({ ...role, DurationSeconds: 900 }));
    const [ours, theirs] = aws.seen.map(comparable);
    expect(ours).toEqual(theirs);
    expect(ours?.scope).toBe("ASIAOFTHEFUNCTION/day/eu-west-1/sts/aws4_request");
  });

  test("GetAuthorizationToken", async () => {
    const aws = await awsThat((response) => response.end("{}"));
    await aws.requests.authorizationToken(from, signal());
    const sdk = new ECRClient({ region: "eu-west-1", endpoint: aws.endpoint, credentials: keys });
    await sdk.send(new GetAuthorizationTokenCommand({}));
    const [ours, theirs] = aws.seen.map(comparable);
    expect(ours).toEqual(theirs);
    expect(ours?.target).toBe("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
  });
});

describe("what is answered", () => {
  test("a session, with its characters", async () => {
    const { requests } = await awsThat((response) => response.end(session));
    expect(await requests.assumeRole(role, signal())).toEqual({
      keys: { accessKeyId: "ASIA1", secretAccessKey: "a&b+/", sessionToken: "t==" },
      expiresAt: new Date("2026-12-01T10:00:00Z"),
    });
  });

  test.each(["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"])("no session without %s", async (name) => {
    const { requests } = await awsThat((response) => response.end(session.replaceAll(name, "Other")));
    expect(await requests.assumeRole(role, signal())).toBeUndefined();
  });

  const data = { authorizationToken: "QVdTOnBhc3N3b3Jk", expiresAt: 1_796_119_200.5 };
  test.each([
    ["ECR, a list of one", { authorizationData: [data] }],
    ["ECR Public, the one", { authorizationData: data }],
  ])("a token of %s", async (_name, answer) => {
    const { requests } = await awsThat((response) => response.end(JSON.stringify(answer)));
    expect(await requests.authorizationToken(from, signal())).toEqual({
      authorizationToken: data.authorizationToken,
      expiresAt: new Date(data.expiresAt * 1_000),
    });
  });

  test.each([
    "",
    "<html>a proxy's page</html>",
    "null",
    "[]",
    '{"authorizationData":[]}',
    '{"authorizationData":[{"expiresAt":"x"}]}',
  ])("no token in %j", async (body) => {
    const { requests } = await awsThat((response) => response.end(body));
    expect(await requests.authorizationToken(from, signal())).toEqual({});
  });
});

describe("a refusal has the SDK's name and status", () => {
  const sender = (code: string) =>
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>not &lt;you&gt;</Message></Error></ErrorResponse>`;

  test.each([
    ["AccessDenied", 403],
    ["ValidationError", 400],
    ["Throttling", 400],
    ["ExpiredToken", 403],
  ])("STS: %s", async (code, status) => {
    const { requests, endpoint } = await awsThat((response) => response.writeHead(status).end(sender(code)));
    const ours = await requests.assumeRole(role, signal()).catch((error: unknown) => error);
    const sdk = new STSClient({ region: "eu-west-1", endpoint, credentials: keys, maxAttempts: 1 });
    const theirs = await sdk.send(new AssumeRoleCommand(role as never)).catch((error: unknown) => error);
    expect(ours).toMatchObject({ message: "not <you>", $metadata: { httpStatusCode: status } });
    expect((theirs as Error).name).toMatch(new RegExp(`^${code}(?:Exception)?$`));
    expect((ours as Error).name).toBe(code);
  });

  test.each([
    ["as a type in the body", {}, { __type: "com.amazonaws.ecr#ServerException", message: "later" }],
    ["in a header", { "x-amzn-errortype": "ServerException:http://internal.example/" }, { message: "later" }],
    ["with a capital letter", {}, { __type: "ServerException", Message: "later" }],
  ])("ECR: %s", async (_name, headers, body) => {
    const { requests } = await awsThat((response) => response.writeHead(500, headers).end(JSON.stringify(body)));
    await expect(requests.authorizationToken(from, signal())).rejects.toMatchObject({
      name: "ServerException",
      message: "later",
      $metadata: { httpStatusCode: 500 },
    });
  });

  test("what a proxy says has its status alone, and how long to wait is kept", async () => {
    const { requests } = await awsThat((response) => response.writeHead(503, { "retry-after": "7" }).end("<html>"));
    for (const refused of [requests.authorizationToken(from, signal()), requests.assumeRole(role, signal())]) {
      await expect(refused).rejects.toMatchObject({ name: "HTTP 503", $response: { headers: { "retry-after": "7" } } });
    }
  });
});

describe("the clock", () => {
  const dayOf = ({ headers }: Seen) => headers["x-amz-date"];

  test("is set by AWS's own where it is wrong by five minutes, and left alone where it is less", async () => {
    let offset = 290_000;
    const aws = await awsThat((response) => {
      response.sendDate = false;
      response.setHeader("date", new Date(Date.now() + offset).toUTCString());
      response.end("{}");
    });
    const ask = () => aws.requests.authorizationToken(from, signal());
    const distance = (index: number) => {
      const text = (dayOf(aws.seen[index] as Seen) as string).replace(
        /(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/,
        "$1-$2-$3T$4:$5:$6Z",
      );
      return Math.round((Date.parse(text) - Date.now()) / 3_600_000) + 0;
    };
    await ask();
    offset = 5 * 3_600_000;
    await ask();
    await ask();
    offset = 0;
    await ask();
    await ask();
    expect([0, 1, 2, 3, 4].map(distance)).toEqual([0, 0, 5, 5, 0]);
  });
});

test("Lambda's trace and the application's id go with each request, in what is signed", async () => {
  const aws = await awsThat((response) => response.end("{}"));
  const more = { _X_AMZN_TRACE_ID: "Root=1-5e1b4151", AWS_SDK_UA_APP_ID: "vendor" };
  await createSignedRequests("eu-west-1", { ...aws.env, ...more }).authorizationToken(from, signal());
  const [{ headers } = { headers: {} }] = aws.seen;
  expect(headers).toMatchObject({
    "x-amzn-trace-id": more._X_AMZN_TRACE_ID,
    "user-agent": "artifact-registry-functions app/vendor",
  });
});

test("a request ends with its signal", async () => {
  const aws = await awsThat(() => undefined);
  const controller = new AbortController();
  const asked = aws.requests.authorizationToken(from, controller.signal);
  controller.abort(new Error("the time is over"));
  await expect(asked).rejects.toThrow();
});
