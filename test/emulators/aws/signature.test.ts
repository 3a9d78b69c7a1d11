import {
  DescribePullThroughCacheRulesCommand,
  DescribeRegistryCommand,
  DescribeRepositoriesCommand,
} from "@aws-sdk/client-ecr";
import { DeleteRoleCommand } from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand, GetSessionTokenCommand } from "@aws-sdk/client-sts";
import { describe, expect, test } from "vitest";
import type { SdkCredentials } from "./index.ts";
import { allow, clients, HOME, refused, useEmulator } from "./support.ts";

const aws = useEmulator();

const ecrAs = (credentials: SdkCredentials) =>
  refused(clients(aws(), credentials).ecr.send(new DescribeRegistryCommand({})));
const stsAs = (credentials: SdkCredentials) =>
  refused(clients(aws(), credentials).sts.send(new GetCallerIdentityCommand({})));

describe("who signs", () => {
  test("a session is told its own name", async () => {
    const role = aws().role(HOME, "function");
    const identity = await clients(aws(), aws().credentialsFor(role)).sts.send(new GetCallerIdentityCommand({}));
    expect(identity).toMatchObject({ Account: HOME, Arn: `arn:aws:sts::${HOME}:assumed-role/function/function` });
    expect(identity.UserId).toMatch(/^AROA[A-Z2-7]{17}:function$/);
  });

  test("a user is told its own name", async () => {
    const identity = await clients(aws(), aws().userCredentials(HOME, "alice")).sts.send(
      new GetCallerIdentityCommand({}),
    );
    expect(identity.Arn).toBe(`arn:aws:iam::${HOME}:user/alice`);
  });

  test("a key that nobody has", async () => {
    const stranger = { accessKeyId: "EMULATORKEYNONE", secretAccessKey: "none" };
    expect(await ecrAs(stranger)).toMatchObject({ name: "UnrecognizedClientException", status: 400 });
    expect(await stsAs(stranger)).toMatchObject({ name: "InvalidClientTokenId", status: 403 });
  });

  test("another secret", async () => {
    const forged = { ...aws().admin(), secretAccessKey: "guessed" };
    expect(await ecrAs(forged)).toMatchObject({ name: "InvalidSignatureException", status: 400 });
    expect(await stsAs(forged)).toMatchObject({ name: "SignatureDoesNotMatch", status: 403 });
  });

  test("a session's key without its token, or with another's", async () => {
    const { sessionToken, ...bare } = aws().admin();
    expect(sessionToken).toBeDefined();
    expect((await ecrAs(bare)).name).toBe("UnrecognizedClientException");
    const swapped = { ...bare, sessionToken: aws().admin().sessionToken ?? "" };
    expect((await stsAs(swapped)).name).toBe("InvalidClientTokenId");
  });

  test("a session that has ended", async () => {
    const role = aws().role(HOME, "short", { policies: allow("*") });
    const credentials = aws().credentialsFor(role, { seconds: 0 });
    expect(await ecrAs(credentials)).toMatchObject({ name: "ExpiredTokenException", status: 400 });
    expect(await stsAs(credentials)).toMatchObject({ name: "ExpiredToken", status: 403 });
  });

  test("a session whose role is gone", async () => {
    const role = aws().role(HOME, "gone");
    const credentials = aws().credentialsFor(role);
    await clients(aws()).iam.send(new DeleteRoleCommand({ RoleName: "gone" }));
    expect((await stsAs(credentials)).name).toBe("InvalidClientTokenId");
  });
});

describe("what is signed", () => {
  test("a request without a signature", async () => {
    const headers = { "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry" };
    const answer = await fetch(aws().url, { method: "POST", headers, body: "{}" });
    expect(await answer.json()).toMatchObject({ __type: "MissingAuthenticationTokenException" });
    const form = new URLSearchParams({ Action: "GetCallerIdentity", Version: "2011-06-15" });
    expect(await (await fetch(aws().url, { method: "POST", body: form })).text()).toContain(
      "<Code>MissingAuthenticationToken<",
    );
  });

  test("a body that was changed on its way", async () => {
    const { ecr } = clients(aws());
    ecr.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { body: Uint8Array };
        request.body = request.body.map((byte) => (byte === 0x31 ? 0x32 : byte));
        return next(args);
      },
      { step: "finalizeRequest", priority: "low" },
    );
    const list = new DescribeRepositoriesCommand({ maxResults: 1 });
    expect((await refused(ecr.send(list))).name).toBe("InvalidSignatureException");
  });

  test("a body that is no JSON", async () => {
    const { ecr } = clients(aws());
    ecr.middlewareStack.add(
      (next) => (args) => {
        (args.request as { body: string }).body = "{]";
        return next(args);
      },
      { step: "build", priority: "low" },
    );
    expect((await refused(ecr.send(new DescribeRegistryCommand({})))).name).toBe("SerializationException");
  });

  test("a signature from another day", async () => {
    const { ecr } = clients(aws());
    ecr.config.systemClockOffset = -24 * 60 * 60 * 1000;
    const { name, message } = await refused(ecr.send(new DescribeRegistryCommand({})));
    expect([name, message]).toEqual(["InvalidSignatureException", expect.stringContaining("Signature expired")]);
  });

  test("a signature for another service", async () => {
    const { accessKeyId } = aws().userCredentials(HOME, "bob", allow("*"));
    const scope = `${accessKeyId}/20260101/us-east-1/sts/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${"0".repeat(64)}`;
    const headers = { authorization, "x-amz-target": "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry" };
    const answer = await fetch(aws().url, { method: "POST", headers, body: "{}" });
    expect(await answer.json()).toEqual({
      __type: "InvalidSignatureException",
      message: "Credential should be scoped to correct service: 'ecr'.",
    });
  });

  test("an action that there is not", async () => {
    const cache = new DescribePullThroughCacheRulesCommand({});
    expect((await refused(clients(aws()).ecr.send(cache))).name).toBe("UnknownOperationException");
    expect((await refused(clients(aws()).sts.send(new GetSessionTokenCommand({})))).name).toBe("InvalidAction");
  });

  test("a service that there is not", async () => {
    expect((await fetch(aws().url)).status).toBe(404);
  });
});
