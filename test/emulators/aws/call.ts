import type { Fault as AnyFault } from "../faults.ts";
import { type Ask, type Authorization, authorize } from "./identity/authorization.ts";
import type { Principal } from "./identity/principal.ts";
import { AwsError } from "./wire/errors.ts";
import type { Input } from "./wire/input.ts";
import { failure, type ServiceName, type ServiceProfile } from "./wire/services.ts";
import type { World } from "./world.ts";

/** One call that the emulator saw, for counting, and for asking the oracle again. */
export interface CallRecord {
  /** From 1, in the order of arrival. */
  readonly number: number;
  readonly service: ServiceName | "registry";
  readonly action: string;
  readonly region: string;
  /** ARN of the caller; absent where nobody could be made out. */
  principal?: string;
  /** The first resource that was asked about. */
  resource?: string;
  /** What was evaluated for it, with the verdicts. */
  readonly authorizations: Authorization[];
  /** `ok`, the code of the error, or the kind of the fault that hit it; absent while it runs. */
  outcome?: string | undefined;
  /** The request's parameters; nothing for the registry. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** An error by name, before anything is done, as `ServerException`. */
export interface NamedError {
  readonly kind: "error";
  readonly code: string;
  readonly message?: string;
  readonly status?: number;
}

export type Fault = AnyFault<NamedError>;

/** One call as a handler sees it. */
export class Call {
  readonly world: World;
  readonly profile: ServiceProfile;
  readonly input: Input;
  readonly principal: Principal;
  readonly region: string;
  readonly record: CallRecord;

  constructor(options: {
    world: World;
    profile: ServiceProfile;
    input: Input;
    principal: Principal;
    record: CallRecord;
  }) {
    this.world = options.world;
    this.profile = options.profile;
    this.input = options.input;
    this.principal = options.principal;
    this.record = options.record;
    this.region = options.record.region;
  }

  /** The caller's own account, which most calls are about. */
  get account(): string {
    return this.principal.account;
  }

  /** @throws the service's own form of a denial */
  async authorize(ask: Omit<Ask, "region" | "resourceAccount"> & { resourceAccount?: string }): Promise<void> {
    this.record.resource ??= ask.resource;
    if (this.world.behaviour.trusting) return;
    const authorization = await authorize(this.world.directory, this.principal, {
      resourceAccount: this.account,
      region: this.region,
      ...ask,
    });
    this.record.authorizations.push(authorization);
    if (authorization.verdict === "Allowed") return;
    throw failure(this.profile, "accessDenied", denial(this.principal.arn, authorization));
  }

  /** The account in whose registry something is: named by `registryId`, or the caller's. */
  get registryId(): string {
    return this.input.optionalText("registryId") ?? this.account;
  }

  error(code: string, message: string, status = 400): AwsError {
    return new AwsError(code, message, status);
  }
}

export type Handler = (call: Call) => object | Promise<object>;

/** The message of a refusal, in AWS's words. */
export function denial(arn: string, { action, resource, verdict }: Authorization): string {
  const why =
    verdict === "ExplicitlyDenied"
      ? "with an explicit deny in a policy"
      : `because no identity-based policy allows the ${action} action`;
  return `User: ${arn} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
}
