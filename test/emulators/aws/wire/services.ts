import { AwsError, type CommonFailure } from "./errors.ts";

export type ServiceName = "ecr" | "ecr-public" | "sts" | "iam" | "dynamodb" | "sqs";

/** Who refuses, with its own names for what every service can answer. */
export interface Refusing {
  /** What signatures are scoped to. */
  readonly name: string;
  readonly failures: Readonly<Record<CommonFailure, readonly [code: string, status: number]>>;
}

/** How a service speaks: its protocol, too. */
export interface ServiceProfile extends Refusing {
  readonly name: ServiceName;
  readonly protocol: "json-1.0" | "json-1.1" | "query";
  /** The part of `X-Amz-Target` before the dot, or the `Version` of the query protocol. */
  readonly marker: string;
  readonly namespace?: string;
}

const json = {
  accessDenied: ["AccessDeniedException", 400],
  unknownKey: ["UnrecognizedClientException", 400],
  badSignature: ["InvalidSignatureException", 400],
  expired: ["ExpiredTokenException", 400],
  missing: ["MissingAuthenticationTokenException", 400],
  throttled: ["ThrottlingException", 400],
  internal: ["ServerException", 500],
  unknownAction: ["UnknownOperationException", 400],
} as const;
const query = {
  accessDenied: ["AccessDenied", 403],
  unknownKey: ["InvalidClientTokenId", 403],
  badSignature: ["SignatureDoesNotMatch", 403],
  expired: ["ExpiredToken", 403],
  missing: ["MissingAuthenticationToken", 403],
  throttled: ["Throttling", 400],
  internal: ["InternalFailure", 500],
  unknownAction: ["InvalidAction", 400],
} as const;

export const SERVICES: readonly ServiceProfile[] = [
  { name: "ecr", protocol: "json-1.1", marker: "AmazonEC2ContainerRegistry_V20150921", failures: json },
  { name: "ecr-public", protocol: "json-1.1", marker: "SpencerFrontendService", failures: json },
  {
    name: "dynamodb",
    protocol: "json-1.0",
    marker: "DynamoDB_20120810",
    namespace: "com.amazonaws.dynamodb.v20120810",
    failures: { ...json, internal: ["InternalServerError", 500] },
  },
  {
    name: "sqs",
    protocol: "json-1.0",
    marker: "AmazonSQS",
    namespace: "com.amazonaws.sqs",
    failures: { ...json, throttled: ["RequestThrottled", 403], internal: ["InternalFailure", 500] },
  },
  {
    name: "sts",
    protocol: "query",
    marker: "2011-06-15",
    namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    failures: query,
  },
  {
    name: "iam",
    protocol: "query",
    marker: "2010-05-08",
    namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
    failures: { ...query, internal: ["ServiceFailure", 500] },
  },
];

/** What stands before a function's URL: no protocol of its own, and every refusal is a 403. */
export const FUNCTION_URL: Refusing = { name: "lambda", failures: query };

const MESSAGES: Readonly<Record<CommonFailure, string>> = {
  accessDenied: "Access denied.",
  unknownKey: "The security token included in the request is invalid.",
  badSignature: "The request signature does not match.",
  expired: "The security token included in the request is expired",
  missing: "Request is missing Authentication Token",
  throttled: "Rate exceeded",
  internal: "The request processing has failed because of an unknown error, exception or failure.",
  unknownAction: "The action is not known to this service.",
};

/** A failure in the service's own words. */
export function failure(profile: Refusing, kind: CommonFailure, message: string = MESSAGES[kind]): AwsError {
  const [code, status] = profile.failures[kind];
  return new AwsError(code, message, status);
}
