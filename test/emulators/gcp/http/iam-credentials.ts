import { GcpError } from "../errors.ts";
import { isAllowed } from "../iam/authorize.ts";
import type { ServiceAccount } from "../identity/directory.ts";
import { type Json, listOf, onlyFields, type Request, type Route, textOf } from "./route.ts";

const DEFAULT_SECONDS = 3600;
const LONG_SECONDS = 43_200;

export const IAM_CREDENTIALS: readonly Route[] = [
  {
    service: "iamcredentials",
    action: "generateAccessToken",
    method: "POST",
    path: /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/,
    handle: generateAccessToken,
  },
  {
    service: "iamcredentials",
    action: "generateIdToken",
    method: "POST",
    path: /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateIdToken$/,
    handle: generateIdToken,
  },
];

function generateAccessToken(request: Request): Json {
  const { world, body } = request;
  onlyFields(body, "scope", "lifetime", "delegates");
  const scopes = listOf(body, "scope").filter((one): one is string => typeof one === "string" && one !== "");
  if (scopes.length === 0) throw new GcpError("INVALID_ARGUMENT", "At least one scope is required: scope is empty.");
  refuseDelegates(body);
  const seconds = secondsOf(textOf(body, "lifetime"));
  const account = target(request, "iam.serviceAccounts.getAccessToken");
  const maximum = world.behaviour.longLived.includes(account.email) ? LONG_SECONDS : DEFAULT_SECONDS;
  if (seconds + world.behaviour.clockSkewSeconds > maximum) {
    throw new GcpError("INVALID_ARGUMENT", `The access token lifetime cannot exceed ${maximum} seconds.`);
  }
  const { token, expiresAt } = world.tokens.mint(account.email, seconds, scopes);
  return { accessToken: token, expireTime: expiresAt.toISOString().replace(/\.\d+Z$/, "Z") };
}

function generateIdToken(request: Request): Json {
  const { world, body } = request;
  onlyFields(body, "audience", "includeEmail", "delegates", "organizationNumberIncluded");
  const audience = textOf(body, "audience");
  if (audience === "") throw new GcpError("INVALID_ARGUMENT", "The audience is required.");
  refuseDelegates(body);
  const account = target(request, "iam.serviceAccounts.getOpenIdToken");
  return { token: world.idTokens.sign(account, audience, body.includeEmail === true) };
}

function refuseDelegates(body: Json): void {
  if (listOf(body, "delegates").length === 0) return;
  throw new GcpError("UNIMPLEMENTED", "The emulator does not know chains of delegates.");
}

/** A whole number of seconds, or with a fraction. The default where nothing is said. */
function secondsOf(lifetime: string): number {
  if (lifetime === "") return DEFAULT_SECONDS;
  const [, seconds] = /^(\d+(?:\.\d{1,9})?)s$/.exec(lifetime) ?? [];
  if (seconds === undefined || Number(seconds) <= 0) {
    throw new GcpError(
      "INVALID_ARGUMENT",
      `Invalid value at 'lifetime' (type.googleapis.com/google.protobuf.Duration), "${lifetime}"`,
    );
  }
  return Number(seconds);
}

/** The account that the caller becomes. One that is missing looks like one that is closed. */
function target({ world, caller, record, path: [email = ""] }: Request, permission: string): ServiceAccount {
  const account = world.directory.account(email);
  const resource = `projects/-/serviceAccounts/${email}`;
  const allowed =
    account !== undefined &&
    world.look(account, record.action) === "seen" &&
    isAllowed(world, caller, permission, {
      name: resource,
      project: account.project,
      policy: world.policyInEffect(account),
    });
  record.authorizations.push({ permission, resource, allowed });
  record.resource ??= resource;
  if (allowed && account.disabled) throw new GcpError("FAILED_PRECONDITION", `Service account ${email} is disabled.`);
  if (allowed) return account;
  throw new GcpError("PERMISSION_DENIED", `Permission '${permission}' denied on resource (or it may not exist).`, {
    reason: "IAM_PERMISSION_DENIED",
    domain: "iam.googleapis.com",
    metadata: { permission },
  });
}
