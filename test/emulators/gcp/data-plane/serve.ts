import { RegistryRefusal } from "../../aws/data-plane/refusals.ts";
import { bodyOf, type RegistryRequest } from "../../aws/data-plane/request.ts";
import { type ImageName, imageName, parseImageName } from "../artifact-registry/image-name.ts";
import { resourceOf } from "../artifact-registry/repository.ts";
import type { CallRecord } from "../call.ts";
import { GcpError } from "../errors.ts";
import { isAllowed } from "../iam/authorize.ts";
import { type Caller, CLOUD_PLATFORM } from "../identity/tokens.ts";
import type { World } from "../world.ts";
import type { Front } from "./handle.ts";
import { takeDeletion, takePush } from "./push.ts";

const SERVICE = "artifactregistry.googleapis.com";
const DOWNLOAD = "downloadArtifacts";
const UPLOAD = "uploadArtifacts";
const DELETE = "deleteArtifacts";

/** What is asked of the repository for each kind of request; nothing is answered with 405. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  "GET manifest": DOWNLOAD,
  "HEAD manifest": DOWNLOAD,
  "PUT manifest": UPLOAD,
  "DELETE manifest": DELETE,
  "GET blob": DOWNLOAD,
  "HEAD blob": DOWNLOAD,
  "POST uploads": UPLOAD,
  "GET upload": UPLOAD,
  "PATCH upload": UPLOAD,
  "PUT upload": UPLOAD,
  "DELETE upload": UPLOAD,
  "GET tags": DOWNLOAD,
  "GET referrers": DOWNLOAD,
};

/** Scopes narrower than `cloud-platform` that Google's own helper asks for. */
const READ_WRITE = "https://www.googleapis.com/auth/devstorage.read_write";
const READ_ONLY = "https://www.googleapis.com/auth/devstorage.read_only";

/** Answers one request of the data plane. @throws RegistryRefusal */
export async function serve(front: Front, request: RegistryRequest, record: CallRecord): Promise<void> {
  const { world, location } = front;
  const { req, res, method, route, query, path } = request;
  const caller = authenticate(front, request);
  if (caller !== undefined) record.principal = caller.email;
  if (path === "/v2/token") return giveToken(world, request, caller);
  if (caller === undefined) throw unauthorized(front, request, "Unauthenticated request.");
  if (route?.kind === "base") return sendJson(request, {});
  if (route?.kind === "catalog" && world.behaviour.emptyCatalog) return sendJson(request, { repositories: [] });
  if (route === undefined || route.kind === "token" || route.kind === "repository" || route.kind === "catalog") {
    throw new RegistryRefusal(404, "UNSUPPORTED", "There is no such path.");
  }
  const permission = PERMISSIONS[`${method} ${route.kind}`];
  if (permission === undefined) throw new RegistryRefusal(405, "UNSUPPORTED", "The operation is unsupported.");
  const image = parseImageName(route.name, location);
  if (image === undefined) {
    throw new RegistryRefusal(
      400,
      "NAME_INVALID",
      "Missing image name. Pushes should be of the form docker push HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE",
    );
  }
  permit(world, caller, permission, image, record);
  const repository = world.repositories.get(image.repository.name);
  if (repository === undefined) {
    throw new RegistryRefusal(404, "NAME_UNKNOWN", `Repository "${image.repository.id}" not found`);
  }
  if (repository.format !== "DOCKER") {
    throw new RegistryRefusal(400, "UNSUPPORTED", `Repository "${image.repository.id}" is not of the format DOCKER`);
  }
  if (permission === UPLOAD && repository.mode !== "STANDARD_REPOSITORY") {
    // Artifact Registry, "Repository overview": only standard repositories take uploads.
    throw new RegistryRefusal(
      400,
      "UNSUPPORTED",
      `Cannot push to "${image.repository.id}": it is a ${repository.mode}`,
    );
  }
  const name = imageName(repository, image.path);
  const backing = await front.backing();
  if (route.kind === "manifest" && (method === "PUT" || method === "DELETE")) {
    const about = { world, repository, path: image.path, name, backing, reference: route.tail, req, res };
    return method === "PUT" ? takePush({ ...about, body: await bodyOf(req) }) : takeDeletion(about);
  }
  // No blob crosses from one repository to another: a mount is an upload like any.
  query.delete("mount");
  query.delete("from");
  req.url = query.size === 0 ? path : `${path}?${query}`;
  backing.handle(name, req, res);
}

/** Who asks; nobody where no credentials are sent. @throws RegistryRefusal for credentials that are worth nothing */
function authenticate(front: Front, request: RegistryRequest): Caller | undefined {
  const { credential } = request;
  if (credential.kind === "none") return undefined;
  if (credential.kind === "basic" && credential.user !== "oauth2accesstoken") {
    throw unauthorized(front, request, "The user name must be oauth2accesstoken.");
  }
  try {
    return front.world.tokens.check(credential.kind === "basic" ? credential.password : credential.token, SERVICE);
  } catch (error) {
    throw error instanceof GcpError ? unauthorized(front, request, "Authentication failed.") : error;
  }
}

function unauthorized(
  { host, location }: Front,
  { path, route, method }: RegistryRequest,
  message: string,
): RegistryRefusal {
  const service = `${location}-docker.pkg.dev`;
  const action = PERMISSIONS[`${method} ${route?.kind}`] === DOWNLOAD ? "pull" : "push,pull";
  const scope = route !== undefined && "name" in route ? `,scope="repository:${route.name}:${action}"` : "";
  const challenge = { "Www-Authenticate": `Bearer realm="http://${host}/v2/token",service="${service}"${scope}` };
  return new RegistryRefusal(401, "UNAUTHORIZED", message, path === "/v2/token" ? {} : challenge);
}

/** The token service: the token stands for the caller, and is worth what the caller may do at the time of use. */
function giveToken(world: World, request: RegistryRequest, caller: Caller | undefined): void {
  if (caller === undefined) throw new RegistryRefusal(403, "DENIED", "Unauthenticated request.");
  const seconds = Math.floor((caller.expiresAt.getTime() - caller.clock().getTime()) / 1000);
  sendJson(request, { token: world.tokens.exchange(caller), expires_in: seconds });
}

function permit(world: World, caller: Caller, action: string, { repository }: ImageName, record: CallRecord): void {
  const permission = `artifactregistry.repositories.${action}`;
  const resource = resourceOf(world, repository);
  const enough = [CLOUD_PLATFORM, READ_WRITE, ...(action === DOWNLOAD ? [READ_ONLY] : [])];
  const allowed =
    enough.some((scope) => caller.scopes.includes(scope)) && isAllowed(world, caller, permission, resource);
  record.authorizations.push({ permission, resource: resource.name, allowed });
  record.resource ??= resource.name;
  if (allowed) return;
  const message = `Permission "${permission}" denied on resource "${resource.name}" (or it may not exist)`;
  throw new RegistryRefusal(403, "DENIED", message);
}

function sendJson({ res }: RegistryRequest, value: object): void {
  res.writeHead(200, { "Docker-Distribution-Api-Version": "registry/2.0", "Content-Type": "application/json" });
  res.end(JSON.stringify(value));
}
