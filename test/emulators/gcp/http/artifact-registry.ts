import type { Message } from "../artifact-registry/method.ts";
import { mustHave, shown as shownPackage } from "../artifact-registry/packages.ts";
import { shown } from "../artifact-registry/repositories.ts";
import { malformed, mustFind, parseRepositoryName, resourceOf } from "../artifact-registry/repository.ts";
import { type Json, permit, type Request, type Route } from "./route.ts";

/** What of Artifact Registry is there over HTTP too: a look at a repository or a package, which needs no gRPC. */
export const ARTIFACT_REGISTRY: readonly Route[] = [
  {
    service: "artifactregistry",
    action: "GetRepository",
    method: "GET",
    path: /^\/v1\/(projects\/[^/]+\/locations\/[^/]+\/repositories\/[^/]+)$/,
    handle: getRepository,
  },
  {
    service: "artifactregistry",
    action: "GetPackage",
    method: "GET",
    path: /^\/v1\/(projects\/[^/]+\/locations\/[^/]+\/repositories\/[^/]+)\/packages\/(.+)$/,
    handle: getPackage,
  },
];

function getRepository(request: Request): Json {
  const { world, path } = request;
  const [name = ""] = path;
  const repository = parseRepositoryName(name);
  permit(request, "artifactregistry.repositories.get", resourceOf(world, repository));
  return withTimes(shown(mustFind(world, repository)));
}

/** Slashes of the image path are escaped: "If the package ID part contains slashes, the slashes are escaped" (package.proto). */
function getPackage(request: Request): Json {
  const { world, path, rawPath } = request;
  const [name = "", imagePath = ""] = path;
  if (/\/packages\/.*\//.test(rawPath)) throw malformed(`${name}/packages/${imagePath}`);
  const repository = parseRepositoryName(name);
  permit(request, "artifactregistry.packages.get", resourceOf(world, repository));
  const found = mustFind(world, repository);
  return withTimes(shownPackage(found, mustHave(found, imagePath)));
}

function withTimes({ createTime, updateTime, ...rest }: Message): Json {
  return { ...rest, createTime: toJson(createTime), updateTime: toJson(updateTime) };
}

/** `google.protobuf.Timestamp` as JSON. */
function toJson(timestamp: unknown): string {
  const { seconds, nanos } = timestamp as Message;
  return new Date(Number(seconds) * 1000 + Number(nanos) / 1_000_000).toISOString();
}
