import { GcpError } from "../errors.ts";
import { type Message, type Method, pageOf, permit, text, timestamp } from "./method.ts";
import { EMPTY } from "./operations.ts";
import {
  mustFind,
  type Package,
  parsePackageName,
  parseRepositoryName,
  type Repository,
  resourceOf,
} from "./repository.ts";
import { refuseHeldPackage } from "./versions.ts";

export const getPackage: Method = (call) => {
  const { repository, path } = parsePackageName(text(call.request, "name"));
  permit(call, "packages.get", resourceOf(call.world, repository));
  const found = mustFind(call.world, repository);
  return shown(found, mustHave(found, path));
};

export const listPackages: Method = (call) => {
  const name = parseRepositoryName(text(call.request, "parent"));
  permit(call, "packages.list", resourceOf(call.world, name));
  const repository = mustFind(call.world, name);
  const { items, next } = pageOf(call.request, [...repository.packages.values()], ({ path }) => path);
  return { packages: items.map((one) => shown(repository, one)), nextPageToken: next };
};

/** Deletes exactly one image path with every version of it; those below it stay. */
export const deletePackage: Method = (call) => {
  const { world, operations, request } = call;
  const { repository: name, path } = parsePackageName(text(request, "name"));
  permit(call, "packages.delete", resourceOf(world, name));
  const repository = mustFind(world, name);
  refuseHeldPackage(mustHave(repository, path));
  return operations.start(call, `projects/${name.project}/locations/${name.location}`, async () => {
    await world.dataPlane?.deleteImage(repository, path);
    repository.packages.delete(path);
    return EMPTY;
  });
};

/** @throws NOT_FOUND */
export function mustHave({ name, packages }: Repository, path: string): Package {
  const found = packages.get(path);
  if (found === undefined) throw new GcpError("NOT_FOUND", `Package "${packageName(name, path)}" not found.`);
  return found;
}

export const packageName = (repository: string, path: string) => `${repository}/packages/${encodeURIComponent(path)}`;

/** A package as the API answers it. */
export function shown({ name }: Repository, { path, createTime, updateTime }: Package): Message {
  return { name: packageName(name, path), createTime: timestamp(createTime), updateTime: timestamp(updateTime) };
}
