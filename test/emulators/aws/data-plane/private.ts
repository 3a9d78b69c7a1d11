import { type CallRecord, denial } from "../call.ts";
import { EVERY_REPOSITORY, policyOf } from "../ecr/authorize.ts";
import { type PrivateRegistry, type Repository, repositoryArn, tagged } from "../ecr/state.ts";
import { authorize, resourceTagKeys } from "../identity/authorization.ts";
import type { Principal } from "../identity/principal.ts";
import type { RegistryToken, World } from "../world.ts";
import type { Backing } from "./backing.ts";
import { takePush } from "./push.ts";
import { RegistryRefusal } from "./refusals.ts";
import { bodyOf, type RegistryRequest } from "./request.ts";

const READ_BLOB = ["BatchCheckLayerAvailability", "GetDownloadUrlForLayer"];

/** What ECR asks IAM for each kind of request; nothing is answered with 405. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  "GET manifest": ["BatchGetImage"],
  "HEAD manifest": ["BatchGetImage"],
  "PUT manifest": ["PutImage"],
  "GET blob": READ_BLOB,
  "HEAD blob": ["BatchCheckLayerAvailability"],
  "POST uploads": ["InitiateLayerUpload"],
  "GET upload": ["UploadLayerPart"],
  "PATCH upload": ["UploadLayerPart"],
  "PUT upload": ["UploadLayerPart", "CompleteLayerUpload"],
  "GET tags": ["ListImages"],
  "GET referrers": ["BatchGetImage"],
};

/** The data plane of one account's registry in one region. */
export function servePrivate(world: World, registry: PrivateRegistry, backing: () => Promise<Backing>) {
  return async (request: RegistryRequest, record: CallRecord): Promise<void> => {
    const { req, res, method, route, query } = request;
    const principal = authenticate(world, registry, request);
    record.principal = principal.arn;
    if (route?.kind === "base") return sendJson(request, {});
    if (route?.kind === "catalog") return catalog(world, registry, principal, request, record);
    if (route === undefined || route.kind === "token" || route.kind === "repository") {
      throw new RegistryRefusal(404, "UNSUPPORTED", "There is no such path.");
    }
    const actions = ACTIONS[`${method} ${route.kind}`];
    if (actions === undefined) throw new RegistryRefusal(405, "UNSUPPORTED", "The operation is unsupported.");
    const repository = registry.repositories.get(route.name);
    for (const action of neededBy(principal, actions)) {
      await permit(world, registry, principal, { name: route.name, repository, action }, record);
    }
    if (repository === undefined) {
      throw new RegistryRefusal(
        404,
        "NAME_UNKNOWN",
        `The repository with name '${route.name}' does not exist in the registry with id '${registry.account}'`,
      );
    }
    // Our registry knows of a repository by its images only.
    if (route.kind === "tags" && repository.images.size === 0) return sendJson(request, { name: route.name, tags: [] });
    if (route.kind === "manifest" && method === "PUT") {
      const body = await bodyOf(req);
      return takePush({ world, registry, repository, backing: await backing(), reference: route.tail, body, req, res });
    }
    if (route.kind === "manifest" && method === "GET") notePull(world, repository, route.tail);
    // No blob crosses from one repository to another: a mount is an upload like any.
    query.delete("mount");
    query.delete("from");
    req.url = query.size === 0 ? request.path : `${request.path}?${query}`;
    (await backing()).handle(route.name, req, res);
  };
}

/** ECR writes down when an image was pulled, at most once in 24 hours (botocore 1.44, ImageDetail). */
function notePull(world: World, { images }: Repository, reference: string): void {
  const image = reference.includes(":") ? images.get(reference) : tagged(images, reference);
  const now = world.clock();
  const isKnown = image?.lastPulledAt && now.getTime() - image.lastPulledAt.getTime() < 24 * 60 * 60 * 1000;
  if (image && !isKnown) image.lastPulledAt = now;
}

/** Lambda asks for less than Docker's clients do. */
function neededBy({ type }: Principal, actions: readonly string[]): readonly string[] {
  return type === "Service" ? actions.filter((action) => action !== "BatchCheckLayerAvailability") : actions;
}

function authenticate(world: World, { host, region }: PrivateRegistry, { credential }: RegistryRequest): Principal {
  const challenge = { "Www-Authenticate": `Basic realm="https://${host}/",service="ecr.amazonaws.com"` };
  if (credential.kind !== "basic") throw new RegistryRefusal(401, "UNAUTHORIZED", "Not Authorized", challenge);
  const token = credential.user === "AWS" ? world.tokens.get(credential.password) : undefined;
  if (token?.service !== "ecr" || (world.behaviour.regionalTokens && token.region !== region)) {
    throw new RegistryRefusal(401, "UNAUTHORIZED", "Your Authorization Token is invalid.", challenge);
  }
  if (hasEnded(world, token)) {
    throw new RegistryRefusal(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.");
  }
  return token.principal;
}

export function hasEnded(world: World, { expiresAt, principal }: RegistryToken): boolean {
  const now = world.clock().getTime();
  const session = world.behaviour.tokensOutliveSessions ? undefined : principal.expiresAt;
  return now >= expiresAt.getTime() || (session !== undefined && now >= session.getTime());
}

async function permit(
  world: World,
  registry: PrivateRegistry,
  principal: Principal,
  { name, repository, action }: { name: string; repository: Repository | undefined; action: string },
  record: CallRecord,
): Promise<void> {
  const authorization = await authorize(world.directory, principal, {
    action: `ecr:${action}`,
    resource: repositoryArn(registry, name),
    resourceAccount: registry.account,
    region: registry.region,
    resourcePolicy: policyOf(world, repository),
    context: resourceTagKeys("ecr", repository?.tags ?? new Map()),
  });
  record.authorizations.push(authorization);
  record.resource ??= authorization.resource;
  if (authorization.verdict !== "Allowed")
    throw new RegistryRefusal(403, "DENIED", denial(principal.arn, authorization));
}

async function catalog(
  world: World,
  registry: PrivateRegistry,
  principal: Principal,
  request: RegistryRequest,
  record: CallRecord,
): Promise<void> {
  const asked = { name: EVERY_REPOSITORY, repository: undefined, action: "DescribeRepositories" };
  await permit(world, registry, principal, asked, record);
  sendJson(request, { repositories: [...registry.repositories.keys()].sort() });
}

function sendJson({ res }: RegistryRequest, value: object): void {
  res.writeHead(200, { "Docker-Distribution-Api-Version": "registry/2.0", "Content-Type": "application/json" });
  res.end(JSON.stringify(value));
}
