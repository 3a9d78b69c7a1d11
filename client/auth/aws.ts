import { Sha256 } from "../../core/sha256.ts";
import { type Environment, invalidBinding } from "../binding.ts";
import type { Authenticate, AwsKeys, Prove } from "./proof.ts";
import { noIdentity, notInstalled } from "./proof.ts";

/**
 * Signs requests with Signature Version 4 for a Lambda function URL, an HTTP API of API Gateway or Lambda's own API.
 * The AWS SDK finds the credentials; the URL names the region.
 *
 * @param region for URLs that do not name it
 * @param profile of the AWS configuration. Default: that of `AWS_PROFILE`
 * @throws BINDING_CONFIG_INVALID when a package is not installed, or, from a request, when the region is not known;
 *   AUTHENTICATION_ERROR, from a proof, when there are no credentials
 *
 * @example
 * const prove = await signV4({ region: "eu-west-1" }, process.env);
 */
export async function signV4(
  { region, profile }: { region?: string; profile?: string },
  env: Environment,
): Promise<Prove> {
  const { SignatureV4, defaultProvider } = await loadLibraries();
  // Who logs in by SSO or takes a role asks AWS for the keys, through the environment's proxies.
  const provide = defaultProvider({
    ...(profile && { profile }),
    clientConfig: { requestHandler: { httpsAgent: { proxyEnv: env } } },
  });
  const authenticateBy =
    (credentials: AwsKeys): Authenticate =>
    async ({ method, url, body, headers }) => {
      const { hostname, host, pathname, protocol } = new URL(url);
      const { service, region: own } = scopeOf(hostname);
      const signer = new SignatureV4({
        service,
        region: region ?? own ?? env.AWS_REGION ?? noRegion(),
        sha256: Sha256,
        credentials,
      });
      const signed = await signer.sign({
        method,
        protocol,
        hostname,
        path: pathname,
        body,
        headers: { ...headers, host },
      });
      // fetch sets the host by itself, to the same value.
      const { host: _, ...rest } = signed.headers;
      return rest;
    };
  return async () => {
    const keys: AwsKeys = await provide().catch((cause: unknown) => {
      throw noIdentity("AWS credentials", "Run under a role, or log in with aws sso login.", cause);
    });
    return { authenticate: authenticateBy(keys), secret: { keys } };
  };
}

async function loadLibraries() {
  try {
    const signing = await import("@smithy/signature-v4");
    const finding = await import("@aws-sdk/credential-provider-node");
    return { ...signing, ...finding };
  } catch (cause) {
    throw notInstalled("@smithy/signature-v4 @aws-sdk/credential-provider-node", cause);
  }
}

/** Finds the service and the region that a signature is for, as far as the host names them. */
function scopeOf(hostname: string): { service: string; region: string | undefined } {
  const [, api] = /\.execute-api\.([a-z0-9-]+)\.amazonaws\./.exec(hostname) ?? [];
  if (api !== undefined) return { service: "execute-api", region: api };
  const lambda = /\.lambda-url\.([a-z0-9-]+)\.on\.aws$|^lambda\.([a-z0-9-]+)\.amazonaws\./.exec(hostname);
  return { service: "lambda", region: lambda?.[1] ?? lambda?.[2] };
}

function noRegion(): never {
  throw invalidBinding("The function's URL", "does not name its region.", "Set auth.region, or AWS_REGION.");
}
