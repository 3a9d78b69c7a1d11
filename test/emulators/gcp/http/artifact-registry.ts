import type { Message } from "../artifact-registry/method.ts";
import { shown } from "../artifact-registry/repositories.ts";
import { mustFind, parseRepositoryName, resourceOf } from "../artifact-registry/repository.ts";
import { type Json, permit, type Request, type Route } from "./route.ts";

/** What of Artifact Registry is there over HTTP too: a look at a repository, which needs no gRPC. */
export const ARTIFACT_REGISTRY: readonly Route[] = [
  {
    service: "artifactregistry",
    action: "GetRepository",
    method: "GET",
    path: /^\/v1\/(projects\/[^/]+\/locations\/[^/]+\/repositories\/[^/]+)$/,
    handle: getRepository,
  },
];

function getRepository(request: Request): Json {
  const { world, path } = request;
  const [name = ""] = path;
  const repository = parseRepositoryName(name);
  permit(request, "artifactregistry.repositories.get", resourceOf(world, repository));
  const { createTime, updateTime, ...rest } = shown(mustFind(world, repository));
  return { ...rest, createTime: toJson(createTime), updateTime: toJson(updateTime) };
}

/** `google.protobuf.Timestamp` as JSON. */
function toJson(timestamp: unknown): string {
  const { seconds, nanos } = timestamp as Message;
  return new Date(Number(seconds) * 1000 + Number(nanos) / 1_000_000).toISOString();
}
