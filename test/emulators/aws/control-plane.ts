import { randomUUID } from "node:crypto";
import { Call, type CallRecord, type Fault, type Handler } from "./call.ts";
import { authorizeTables, type HashKeys, learnHashKey } from "./dynamodb/authorize.ts";
import type { Dynalites } from "./dynamodb/dynalite.ts";
import { ECR } from "./ecr/operations.ts";
import { ECR_PUBLIC } from "./ecr-public/operations.ts";
import { IAM } from "./iam/operations.ts";
import { authenticate } from "./identity/authenticate.ts";
import type { Principal } from "./identity/principal.ts";
import { record as writeDown } from "./recording.ts";
import { SQS } from "./sqs/operations.ts";
import { STS } from "./sts/operations.ts";
import { type Answer, refusal, success } from "./wire/answers.ts";
import { AwsError } from "./wire/errors.ts";
import { Input } from "./wire/input.ts";
import { memberProblem } from "./wire/members.ts";
import { type ApiRequest, type Message, readApiRequest } from "./wire/request.ts";
import { failure, type ServiceName, type ServiceProfile } from "./wire/services.ts";
import type { World } from "./world.ts";

const HANDLERS: Readonly<Record<Exclude<ServiceName, "dynamodb">, Readonly<Record<string, Handler>>>> = {
  ecr: ECR,
  "ecr-public": ECR_PUBLIC,
  sts: STS,
  iam: IAM,
  sqs: SQS,
};

/** Every operation that is emulated here, as `ecr:CreateRepository`. DynamoDB's are dynalite's. */
export const emulatedOperations: readonly string[] = Object.entries(HANDLERS).flatMap(([service, handlers]) =>
  Object.keys(handlers).map((action) => `${service}:${action}`),
);

/** Everything behind the one endpoint, however a request came: which service, who asks, what goes wrong, who answers. */
export class ControlPlane {
  readonly #world: World;
  readonly #dynalites: Dynalites;
  readonly #hashKeys: HashKeys = new Map();

  constructor(world: World, dynalites: Dynalites) {
    this.#world = world;
    this.#dynalites = dynalites;
  }

  /** @returns nothing where the connection is to break instead of an answer */
  async answer(req: Message, body: Buffer): Promise<Answer | undefined> {
    const world = this.#world;
    const request = readApiRequest(req, body);
    if (request === undefined) return { status: 404, headers: {}, body: Buffer.from("No such service.") };
    const { profile, action, values } = request;
    const record: CallRecord = {
      number: world.calls.length + 1,
      service: profile.name,
      action,
      region: request.signed?.region ?? "unknown",
      authorizations: [],
      input: values ?? {},
    };
    world.calls.push(record);
    const requestId = randomUUID();
    const who = identify(() => authenticate(world, profile, req, body, request.signed));
    if ("principal" in who) record.principal = who.principal.arn;
    let sent: Answer | undefined;
    await world.faults.run<Answer>(record, {
      refusal: (fault) => ("error" in who ? undefined : refusalOf(profile, fault)),
      serve: async (fault) => {
        if ("error" in who) throw who.error;
        const answer = await this.#serve({ ...request, principal: who.principal, record, requestId }, req);
        return fault?.kind === "answer" ? success(profile, action, requestId, fault.output) : answer;
      },
      refuse(error, fault) {
        const shown = error instanceof AwsError ? error : brokenEmulator(profile, error);
        const seconds = fault?.kind === "throttle" ? fault.retryAfterSeconds : undefined;
        const answer = refusal(profile, requestId, shown);
        const headers = { ...answer.headers, ...(seconds !== undefined && { "retry-after": String(seconds) }) };
        return { answer: { ...answer, headers }, code: shown.code };
      },
      send: (answer) => {
        sent = answer;
      },
      cut: () => undefined,
    });
    writeDown(record);
    return sent;
  }

  async #serve(request: Identified, req: Message): Promise<Answer> {
    const { profile, action, values, body, principal, record, requestId } = request;
    if (values === undefined) throw new AwsError("SerializationException", "The body is not a JSON object.");
    const input = new Input(values, profile.protocol === "query" ? "ValidationError" : "InvalidParameterException");
    const call = new Call({ world: this.#world, profile, input, principal, record });
    if (profile.name === "dynamodb") return this.#dynamodb(call, req, body);
    const problem = memberProblem(`${profile.name}:${action}`, values);
    if (problem !== undefined) throw input.invalid(`1 validation error detected: ${problem}`);
    return success(profile, action, requestId, await handlerOf(profile, profile.name, action, record.region)(call));
  }

  async #dynamodb(call: Call, req: Message, body: Buffer): Promise<Answer> {
    await authorizeTables(call, this.#hashKeys);
    const forwarded = ["x-amz-target", "content-type", "authorization", "x-amz-date"];
    const headers = Object.fromEntries(forwarded.map((name) => [name, String(req.headers[name] ?? "")]));
    const answer = await this.#dynalites.forward(`${call.account}/${call.region}`, headers, body);
    const { status, headers: sent, body: bytes } = answer;
    const isDone = status === 200;
    if (isDone) learnHashKey(call, this.#hashKeys);
    const kept = ["content-type", "x-amzn-requestid", "x-amz-crc32"];
    const type = isDone ? undefined : /"__type":"[^"]*#(\w+)"/.exec(bytes.toString())?.[1];
    if (!isDone) call.record.outcome = type ?? "error";
    return {
      status,
      headers: {
        ...Object.fromEntries(Object.entries(sent).filter(([name]) => kept.includes(name))),
        ...(type === undefined ? {} : { "x-amzn-errortype": type }),
      },
      body: bytes,
    };
  }
}

function handlerOf(
  profile: ServiceProfile,
  service: Exclude<ServiceName, "dynamodb">,
  action: string,
  region: string,
): Handler {
  const handler = HANDLERS[service][action];
  if (handler === undefined)
    throw failure(profile, "unknownAction", `The emulator does not know ${service}:${action}.`);
  if (service === "ecr-public" && region !== "us-east-1") {
    throw new AwsError("UnsupportedCommandException", `${action} command is only supported in us-east-1.`);
  }
  return handler;
}

/** A request whose sender is known. */
interface Identified extends ApiRequest {
  readonly principal: Principal;
  readonly record: CallRecord;
  readonly requestId: string;
}

/** Who asks is known before anything goes wrong, so that faults can be for one caller; a refusal of it comes later. */
function identify(authenticated: () => Principal): { readonly principal: Principal } | { readonly error: unknown } {
  try {
    return { principal: authenticated() };
  } catch (error) {
    return { error };
  }
}

function refusalOf(profile: ServiceProfile, fault: Fault): AwsError | undefined {
  if (fault.kind === "throttle") return failure(profile, "throttled");
  if (fault.kind === "error") return new AwsError(fault.code, fault.message ?? fault.code, fault.status ?? 400);
  if (fault.kind !== "failure") return undefined;
  const { code, message } = failure(profile, "internal");
  return new AwsError(code, message, fault.status ?? 500);
}

/** What nobody expected is a fault of the emulator: it says so, that no test takes it for the service's word. */
function brokenEmulator(profile: ServiceProfile, error: unknown): AwsError {
  console.error("The AWS emulator failed:", error);
  return new AwsError(failure(profile, "internal").code, `The emulator failed: ${String(error)}`, 500);
}
