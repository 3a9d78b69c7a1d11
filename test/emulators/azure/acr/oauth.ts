import { formatScope, parseScope } from "../../../../oci/token/index.ts";
import type { Credential } from "../../aws/data-plane/request.ts";
import type { CallRecord } from "../call.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import { ACR_AUDIENCE } from "../identity/entra-tokens.ts";
import type { World } from "../world.ts";
import { anonymousHolder, type Holder, NULL_GUID, passwordHolder, principalHolder, tokenHolder } from "./holder.ts";
import { holdsAnything, registryRights } from "./permissions.ts";
import { unauthorized } from "./refusals.ts";
import type { Registry } from "./registry.ts";

/** Names as repositories have them: what is asked for anything else is left out. */
const NAME = /^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/;

/** A request to a registry's token service. */
export interface OauthRequest {
  readonly world: World;
  readonly registry: Registry;
  readonly method: string;
  /** The form of a POST, the query of a GET. */
  readonly form: URLSearchParams;
  readonly credential: Credential;
  /** The names by which the registry was reached. */
  readonly hosts: readonly string[];
  readonly record: CallRecord;
}

/**
 * `POST /oauth2/exchange`: a token of Microsoft Entra ID for a refresh token of this registry.
 * @see https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
 */
export async function exchange(request: OauthRequest): Promise<Answer> {
  const { world, registry, form, record } = request;
  checkGrant(request, ["access_token"]);
  const { tenantId } = world.directory;
  if ((form.get("tenant") ?? tenantId) !== tenantId) throw unauthorized();
  const audiences = [ACR_AUDIENCE, ...(registry.armAudience ? world.cloud.armAudiences : [])];
  const found = await world.entra.read(form.get("access_token") ?? "", audiences);
  if (typeof found === "string") throw unauthorized();
  const { principalId } = found.principal;
  record.principal = principalId;
  if (!world.behaviour.exchangeForAnybody && !holdsAnything(world, registry, principalId)) throw unauthorized();
  const rights = registryRights(world, registry, principalId, record);
  return { status: 200, body: { refresh_token: await world.tokens.refresh(registry, principalId, tenantId, rights) } };
}

/** `/oauth2/token`: an access token for what of the asked scopes the caller may do. The rest is silently left out. */
export async function token(request: OauthRequest): Promise<Answer> {
  const { world, registry, form, record } = request;
  const holder = await (request.method === "POST" ? holderByForm(request) : holderByBasic(request));
  if (holder === undefined) throw unauthorized();
  record.principal = holder.subject;
  const wanted = parseScope(form.getAll("scope").join(" ")).filter(({ name }) => NAME.test(name));
  const granted = holder.grant(wanted, record);
  return { status: 200, body: { access_token: await world.tokens.access(registry, holder.subject, granted) } };
}

async function holderByForm(request: OauthRequest): Promise<Holder | undefined> {
  const { world, registry, form } = request;
  checkGrant(request, ["refresh_token", "password"]);
  if (form.get("grant_type") === "refresh_token")
    return refreshHolder(world, registry, form.get("refresh_token") ?? "");
  const user = form.get("username") ?? "";
  if (user === "") return anonymousHolder(registry);
  return withPassword(request, user, form.get("password") ?? "");
}

/** How Docker's clients ask: the name and password of `docker login` as Basic credentials. */
async function holderByBasic(request: OauthRequest): Promise<Holder | undefined> {
  const { registry, credential } = request;
  checkService(request);
  if (credential.kind === "none") return anonymousHolder(registry);
  return credential.kind === "basic" ? withPassword(request, credential.user, credential.password) : undefined;
}

async function withPassword({ world, registry }: OauthRequest, user: string, password: string) {
  if (user !== NULL_GUID) return passwordHolder(world, registry, { user, password });
  const access = await world.tokens.readAccess(registry, password);
  return access === undefined ? refreshHolder(world, registry, password) : tokenHolder(access.subject, access.access);
}

async function refreshHolder(world: World, registry: Registry, refreshToken: string): Promise<Holder | undefined> {
  const found = await world.tokens.readRefresh(registry, refreshToken);
  if (found === undefined) return undefined;
  const { principalId, rights } = found;
  if (world.directory.principal(principalId) === undefined) throw unauthorized("retrieving permissions failed");
  return principalHolder(world, registry, principalId, rights);
}

function checkGrant(request: OauthRequest, known: readonly string[]): void {
  const grantType = request.form.get("grant_type") ?? "";
  if (!known.includes(grantType)) {
    throw new AzureError(400, "UNSUPPORTED", `The grant type ${JSON.stringify(grantType)} is not supported.`);
  }
  checkService(request);
}

function checkService({ registry, form, hosts }: OauthRequest): void {
  const service = (form.get("service") ?? "").toLowerCase();
  if ([registry.loginServer, ...hosts].includes(service)) return;
  throw new AzureError(400, "UNSUPPORTED", `The service ${JSON.stringify(service)} is not this registry.`);
}

/** What a call asked for, without its secrets. */
export function shownForm(form: URLSearchParams): Readonly<Record<string, unknown>> {
  return {
    grant_type: form.get("grant_type") ?? undefined,
    service: form.get("service") ?? undefined,
    scope: formatScope(parseScope(form.getAll("scope").join(" "))),
  };
}
