import { SignatureV4 } from "@smithy/signature-v4";
import { createHttpClient, type HttpAnswer, jsonOf } from "../../core/http-client.ts";
import { once } from "../../core/once.ts";
import type { Environment } from "../../core/platform.ts";
import { Sha256 } from "../../core/sha256.ts";
import { type CredentialService, endpointOf } from "./endpoints.ts";
import { endpointSettings, type Keys, keysOnLambda } from "./environment.ts";

/** A request to a service that is asked for credentials. */
export interface SignedRequest {
  readonly service: CredentialService;
  readonly region: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whose request it is. Default: the function's own. */
  readonly keys?: Keys | undefined;
  readonly abortSignal: AbortSignal;
}

/** What an AssumeRole answers. */
export interface AssumedRole {
  readonly keys: Required<Keys>;
  readonly expiresAt: Date;
}

/** A token for a registry, in Base64, and its end. */
export interface AuthorizationToken {
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

/**
 * The requests that make a credential, signed here and sent over `node:https`: for these two alone the SDK's clients would be
 * most of a cold start (docs/benchmarks.md). Everything else goes through the SDK.
 */
export interface SignedRequests {
  /**
   * STS AssumeRole (API reference, version 2011-06-15).
   *
   * @throws ServiceRefusal when STS refuses; what Node says when it cannot be reached
   */
  assumeRole(input: Readonly<Record<string, string>>, abortSignal: AbortSignal): Promise<AssumedRole | undefined>;
  /**
   * GetAuthorizationToken of ECR or ECR Public under a session's keys.
   *
   * @throws ServiceRefusal when it refuses; what Node says when it cannot be reached
   */
  authorizationToken(
    from: { readonly service: "ecr" | "ecr-public"; readonly region: string; readonly keys: Keys },
    abortSignal: AbortSignal,
  ): Promise<AuthorizationToken>;
}

/** Refused by AWS, in the form of the SDK's exceptions. */
export class ServiceRefusal extends Error {
  readonly $metadata: { readonly httpStatusCode: number };
  readonly $response: { readonly headers: Readonly<Record<string, string>> };

  constructor(name: string, message: string, { status, headers }: HttpAnswer) {
    super(message);
    this.name = name;
    this.$metadata = { httpStatusCode: status };
    this.$response = { headers: headers as Record<string, string> };
  }
}

/** The function's own keys, and where the services are. */
interface Settings {
  keys(): Promise<Keys>;
  endpoint(service: CredentialService, region: string): Promise<string>;
}

/** Targets of the JSON protocol (service models, "targetPrefix"). */
const targets = {
  ecr: "AmazonEC2ContainerRegistry_V20150921",
  "ecr-public": "SpencerFrontendService",
} as const;

/**
 * @param region where STS is asked
 * @param env whose keys and endpoints count: on Lambda everything is in it. Elsewhere the SDK finds both, in files and from metadata servers too
 */
export function createSignedRequests(region: string, env: Environment = process.env): SignedRequests {
  const settings = onLambda(env) ?? fromSdk(region);
  const http = createHttpClient();
  const send = createSender(settings, env, http.request);
  return {
    async assumeRole(input, abortSignal) {
      const body = formOf({ Action: "AssumeRole", Version: "2011-06-15", ...input });
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const answer = await send({ service: "sts", region, headers, body, abortSignal });
      const xml = answer.body.toString("utf8");
      if (answer.status !== 200) throw refusalOf(textOf(xml, "Code"), textOf(xml, "Message"), answer);
      const [accessKeyId, secretAccessKey] = [textOf(xml, "AccessKeyId"), textOf(xml, "SecretAccessKey")];
      const [sessionToken, expiration] = [textOf(xml, "SessionToken"), textOf(xml, "Expiration")];
      const expiresAt = new Date(expiration ?? "");
      if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiresAt.getTime())) return undefined;
      return { keys: { accessKeyId, secretAccessKey, sessionToken }, expiresAt };
    },
    async authorizationToken({ service, region, keys }, abortSignal) {
      const headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `${targets[service]}.GetAuthorizationToken`,
      };
      const answer = await send({ service, region, headers, body: "{}", keys, abortSignal });
      const json = Object(jsonOf(answer)) as Readonly<Record<string, unknown>>;
      if (answer.status !== 200) {
        const type = String(answer.headers["x-amzn-errortype"] ?? json.__type ?? json.code ?? "");
        // `com.amazonaws.ecr#ServerException:http://…`: what stands between is the name.
        throw refusalOf(type.replace(/^.*#|:.*$/g, ""), json.message ?? json.Message, answer);
      }
      // ECR answers a list of one, ECR Public the one.
      const [data] = [json.authorizationData ?? []].flat() as { authorizationToken?: unknown; expiresAt?: unknown }[];
      const { authorizationToken, expiresAt } = data ?? {};
      return {
        ...(typeof authorizationToken === "string" && { authorizationToken }),
        ...(typeof expiresAt === "number" && { expiresAt: new Date(expiresAt * 1_000) }),
      };
    },
  };
}

/** Milliseconds: AWS refuses signatures that are off by more, and so the clock is set by AWS's own from there on. */
const skewAtMost = 300_000;

function createSender(settings: Settings, env: Environment, request: ReturnType<typeof createHttpClient>["request"]) {
  let skew = 0;
  return async ({ service, region, headers, body, keys, abortSignal }: SignedRequest): Promise<HttpAnswer> => {
    const url = new URL(await settings.endpoint(service, region));
    const credentials = keys ?? (await settings.keys());
    const trace = env.AWS_LAMBDA_FUNCTION_NAME ? env._X_AMZN_TRACE_ID : undefined;
    const app = env.AWS_SDK_UA_APP_ID;
    const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
    const signed = await signer.sign(
      {
        method: "POST",
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        headers: {
          ...headers,
          host: url.host,
          "user-agent": `artifact-registry-functions${app ? ` app/${app}` : ""}`,
          // Lambda's, by which it tells a function that calls itself.
          ...(trace && { "x-amzn-trace-id": trace }),
        },
        body,
      },
      { signingDate: new Date(Date.now() + skew) },
    );
    const answer = await request(url, { method: "POST", headers: signed.headers, body, signal: abortSignal });
    const theirs = Date.parse(answer.headers.date ?? "");
    if (Math.abs(theirs - (Date.now() + skew)) >= skewAtMost) skew = theirs - Date.now();
    return answer;
  };
}

/** Their names in the SDK's variables. */
const serviceIds: Readonly<Record<CredentialService, string>> = { sts: "STS", ecr: "ECR", "ecr-public": "ECR_PUBLIC" };

function onLambda(env: Environment): Settings | undefined {
  const keys = keysOnLambda(env);
  if (keys === undefined) return undefined;
  return {
    keys: async () => keys,
    endpoint: async (service, region) => endpointOf(service, region, endpointSettings(serviceIds[service], env)),
  };
}

/** Off Lambda: what the SDK's own clients would use. */
function fromSdk(region: string): Settings {
  const sdk = once(async () => (await import("./sdk.ts")).createSdkSettings(region));
  return {
    keys: async () => (await sdk()).keys(),
    endpoint: async (service, where) => (await sdk()).endpoint(service, where),
  };
}

/** A form as AWS's query protocol wants it: everything but letters, digits and `-._~` by percent. */
function formOf(fields: Readonly<Record<string, string>>): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${encode(value)}`)
    .join("&");
}

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The text of the first element of a name, which has no elements inside. */
function textOf(xml: string, name: string): string | undefined {
  const [, text] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? [];
  return text?.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, entity) => {
    if (entity !== undefined) return entities[entity] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

/** What a proxy says in AWS's place has no name of AWS's. */
function refusalOf(name: string | undefined, message: unknown, answer: HttpAnswer): ServiceRefusal {
  return new ServiceRefusal(name || `HTTP ${answer.status}`, typeof message === "string" ? message : "", answer);
}
