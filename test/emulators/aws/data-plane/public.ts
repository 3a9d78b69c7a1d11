import { randomBytes } from "node:crypto";
import { type CallRecord, denial } from "../call.ts";
import { type PublicRegistry, type PublicRepository, publicArn } from "../ecr-public/state.ts";
import { authorize, resourceTagKeys } from "../identity/authorization.ts";
import { readPrincipals } from "../identity/bound-principals.ts";
import type { RegistryToken, World } from "../world.ts";
import type { Backing } from "./backing.ts";
import { hasEnded } from "./private.ts";
import { noteImage } from "./push.ts";
import { RegistryRefusal } from "./refusals.ts";
import { bodyOf, type RegistryRequest } from "./request.ts";

const BEARER_SECONDS = 300;

const WRITES: Readonly<Record<string, readonly string[]>> = {
  "PUT manifest": ["PutImage"],
  "POST uploads": ["InitiateLayerUpload"],
  "GET upload": ["UploadLayerPart"],
  "PATCH upload": ["UploadLayerPart"],
  "PUT upload": ["UploadLayerPart", "CompleteLayerUpload"],
};
const READS = new Set(["GET manifest", "HEAD manifest", "GET blob", "HEAD blob", "GET tags", "GET referrers"]);

/** A bearer: what it was exchanged for, or nothing where it is anybody's. */
type Bearers = Map<string, { readonly token: RegistryToken | undefined; readonly until: number }>;

/** `public.ecr.aws`: anybody pulls with a bearer that is had for nothing; a push needs one that an AWS token bought. */
export function servePublic(world: World, backing: () => Promise<Backing>) {
  const bearers: Bearers = new Map();
  return async (request: RegistryRequest, record: CallRecord): Promise<void> => {
    const { req, res, method, route, path, query } = request;
    if (route?.kind === "token" || path === "/token/") return exchange(world, bearers, request);
    const token = bearerOf(world, bearers, request);
    if (token !== undefined) record.principal = token.principal.arn;
    if (route?.kind === "base") return sendJson(request, {});
    if (route === undefined || route.kind === "catalog" || route.kind === "repository") {
      throw new RegistryRefusal(404, "UNSUPPORTED", "There is no such path.");
    }
    const kind = `${method} ${route.kind}`;
    const needed = WRITES[kind];
    if (needed === undefined && !READS.has(kind)) {
      throw new RegistryRefusal(405, "UNSUPPORTED", "The operation is unsupported.");
    }
    const [alias = "", ...rest] = route.name.split("/");
    const registry = world.publicRegistryByAlias(alias);
    const name = rest.join("/");
    const repository = registry?.repositories.get(name);
    for (const action of needed ?? []) await permitWrite(world, token, { registry, name, repository, action }, record);
    if (repository === undefined) {
      throw new RegistryRefusal(
        404,
        "NAME_UNKNOWN",
        `The repository with name '${name}' does not exist in the registry with id '${alias}'`,
      );
    }
    if (kind === "PUT manifest") return push(world, repository, await backing(), route.name, route.tail, request);
    // Our registry knows of a repository by its images only.
    if (kind === "GET tags" && repository.images.size === 0) return sendJson(request, { name: route.name, tags: [] });
    query.delete("mount");
    query.delete("from");
    req.url = query.size === 0 ? path : `${path}?${query}`;
    (await backing()).handle(route.name, req, res);
  };
}

function exchange(world: World, bearers: Bearers, request: RegistryRequest): void {
  const { credential } = request;
  const token = credential.kind === "basic" ? world.tokens.get(credential.password) : undefined;
  const good = credential.kind === "basic" && credential.user === "AWS" && token?.service === "ecr-public";
  if (credential.kind !== "none" && (!good || token === undefined || hasEnded(world, token))) {
    throw new RegistryRefusal(401, "UNAUTHORIZED", "Not Authorized");
  }
  const bearer = `emulator-bearer-${randomBytes(24).toString("base64url")}`;
  bearers.set(bearer, { token, until: world.clock().getTime() + BEARER_SECONDS * 1000 });
  sendJson(request, { token: bearer, expires_in: BEARER_SECONDS });
}

function bearerOf(world: World, bearers: Bearers, { req, credential }: RegistryRequest): RegistryToken | undefined {
  const realm = `http://${req.headers.host ?? "localhost"}/token/`;
  const challenge = { "Www-Authenticate": `Bearer realm="${realm}",service="public.ecr.aws",scope="aws"` };
  const bearer = credential.kind === "bearer" ? bearers.get(credential.token) : undefined;
  if (
    bearer === undefined ||
    world.clock().getTime() >= bearer.until ||
    (bearer.token && hasEnded(world, bearer.token))
  ) {
    throw new RegistryRefusal(401, "UNAUTHORIZED", "Not Authorized", challenge);
  }
  return bearer.token;
}

async function permitWrite(
  world: World,
  token: RegistryToken | undefined,
  about: {
    registry: PublicRegistry | undefined;
    name: string;
    repository: PublicRepository | undefined;
    action: string;
  },
  record: CallRecord,
): Promise<void> {
  const { registry, name, repository, action } = about;
  if (token === undefined || registry === undefined) throw new RegistryRefusal(403, "DENIED", "Not Authorized");
  const policy = repository?.policy;
  const authorization = await authorize(world.directory, token.principal, {
    action: `ecr-public:${action}`,
    resource: publicArn(registry, name),
    resourceAccount: registry.account,
    region: "us-east-1",
    resourcePolicy: policy === undefined ? undefined : readPrincipals(world.directory, policy),
    context: resourceTagKeys("ecr-public", repository?.tags ?? new Map()),
  });
  record.authorizations.push(authorization);
  record.resource ??= authorization.resource;
  if (authorization.verdict === "Allowed") return;
  throw new RegistryRefusal(403, "DENIED", denial(token.principal.arn, authorization));
}

async function push(
  world: World,
  repository: PublicRepository,
  backing: Backing,
  name: string,
  reference: string,
  { req, res }: RegistryRequest,
): Promise<void> {
  const [mediaType, manifest] = [req.headers["content-type"] ?? "", await bodyOf(req)];
  const answer = await fetch(`${backing.url}/v2/${name}/manifests/${reference}`, {
    method: "PUT",
    headers: { authorization: backing.bearer(name), "content-type": mediaType },
    body: new Uint8Array(manifest),
  });
  const digest = answer.headers.get("docker-content-digest");
  const tag = reference.includes(":") ? undefined : reference;
  if (answer.status === 201 && digest !== null) {
    noteImage(world, repository, { digest, tag, body: manifest, mediaType });
  }
  const body = Buffer.from(await answer.arrayBuffer());
  const kept = ["location", "docker-content-digest", "oci-subject", "content-type", "docker-distribution-api-version"];
  res.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([key]) => kept.includes(key))));
  res.end(body);
}

function sendJson({ res }: RegistryRequest, value: object): void {
  res.writeHead(200, { "Docker-Distribution-Api-Version": "registry/2.0", "Content-Type": "application/json" });
  res.end(JSON.stringify(value));
}
