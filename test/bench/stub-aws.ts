import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

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

/** Answers AssumeRole and GetAuthorizationToken without thinking, so that only the function's own time is measured. */
export async function startStub(): Promise<{ readonly url: string; stop(): void }> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const json = request.headers["x-amz-target"] !== undefined;
      response.setHeader("content-type", json ? "application/x-amz-json-1.1" : "text/xml");
      response.end(json ? JSON.stringify(authorization()) : session());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
