import { coldStart } from "../../aws/bundle/child.ts";
import { startStub } from "./stub.ts";
import { credentials, type OpenSubject, rulesFor } from "./subject.ts";

const pullRoleArn = "arn:aws:iam::111122223333:role/images-pull";

const session = () => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
  <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:x</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/images-pull/x</Arn></AssumedRoleUser>
  <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
  <SessionToken>token</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials>
  </AssumeRoleResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></AssumeRoleResponse>`;

const authorization = () => ({
  authorizationData: [
    {
      authorizationToken: Buffer.from("AWS:password").toString("base64"),
      expiresAt: Date.now() / 1000 + 43_200,
      proxyEndpoint: "https://111122223333.dkr.ecr.us-east-1.amazonaws.com",
    },
  ],
});

const others = {
  empty: "exports.handler = async () => ({});",
  "the platform's own clients alone": `
    import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
    import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
    export const handler = async () => {
      const input = { RoleArn: "${pullRoleArn}", RoleSessionName: "x", Policy: "{}", DurationSeconds: 3600 };
      const { Credentials: keys } = await new STSClient({}).send(new AssumeRoleCommand(input));
      const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = keys;
      const ecr = new ECRClient({ credentials: { accessKeyId, secretAccessKey, sessionToken } });
      const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
      return { password: authorizationData[0].authorizationToken };
    };`,
  "node:https alone, without a signature": `
    import { Agent as Plain, request as plain } from "node:http";
    import { Agent as Secure, request as secure } from "node:https";
    const url = new URL(process.env.AWS_ENDPOINT_URL);
    const [request, agent] = url.protocol === "https:" ? [secure, new Secure({ keepAlive: true })] : [plain, new Plain({ keepAlive: true })];
    const send = (headers, body) => new Promise((resolve, reject) => {
      const outgoing = request(url, { method: "POST", agent, headers }, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8").on("data", (chunk) => { text += chunk; }).on("end", () => resolve(text));
      });
      outgoing.on("error", reject).end(body);
    });
    export const handler = async () => {
      await send({}, "Action=AssumeRole");
      const { authorizationData } = JSON.parse(await send({ "x-amz-target": "x" }, "{}"));
      return { password: authorizationData[0].authorizationToken };
    };`,
};

/** The Lambda function, called directly. */
export const awsSubject: OpenSubject = async (stubs) => {
  const stub = await startStub(({ headers }) => {
    const json = headers["x-amz-target"] !== undefined;
    return json
      ? { type: "application/x-amz-json-1.1", body: JSON.stringify(authorization()) }
      : { type: "text/xml", body: session() };
  }, stubs);
  const event = { operation: "generateCredentials", ...credentials };
  return {
    name: "aws",
    others,
    env: {
      AWS_REGION: "us-east-1",
      AWS_ENDPOINT_URL: stub.url,
      AWS_ACCESS_KEY_ID: "ASIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "token",
      AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
      ALIEN_DOOR: "invoke",
      ALIEN_IMAGES_BINDING: JSON.stringify({ service: "ecr", repositoryPrefix: "images", pullRoleArn }),
      ALIEN_ACCESS_RULES: rulesFor("door", "invoke"),
    },
    async run(file, env) {
      const result = await coldStart(file, event, env);
      const { answer } = result;
      return { ...result, minted: typeof answer === "object" && answer !== null && "password" in answer };
    },
    stop: () => stub.stop(),
  };
};
