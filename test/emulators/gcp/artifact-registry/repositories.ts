import { GcpError } from "../errors.ts";
import { emptyPolicy } from "../iam/policy.ts";
import type { World } from "../world.ts";
import { type Message, type Method, messageOf, pageOf, permit, text, timestamp } from "./method.ts";
import { EMPTY } from "./operations.ts";
import {
  locationResource,
  mustFind,
  parseLocationName,
  parseRepositoryName,
  type Repository,
  resourceOf,
} from "./repository.ts";

const TYPE = "type.googleapis.com/google.devtools.artifactregistry.v1.Repository";
const ID = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** The ids with a dot, each in its location alone (Artifact Registry, "gcr.io domain support"). */
const GCR: Readonly<Record<string, string>> = {
  "gcr.io": "us",
  "us.gcr.io": "us",
  "eu.gcr.io": "europe",
  "asia.gcr.io": "asia",
};
/** Resource Manager, "Requirements for labels". */
const LABEL = { key: /^\p{Ll}[\p{Ll}\d_-]{0,62}$/u, value: /^[\p{Ll}\d_-]{0,63}$/u };

export const createRepository: Method = (call) => {
  const { world, operations, request } = call;
  const { project, location } = parseLocationName(text(request, "parent"));
  permit(call, "repositories.create", locationResource(project, location));
  const id = text(request, "repositoryId");
  const wanted = messageOf(request, "repository");
  const format = text(wanted, "format");
  if (!ID.test(id) && GCR[id] !== location)
    throw new GcpError("INVALID_ARGUMENT", `The repository ID ${JSON.stringify(id)} is not valid.`);
  if (format === "" || format === "FORMAT_UNSPECIFIED") {
    throw new GcpError("INVALID_ARGUMENT", "The repository format must be specified.");
  }
  for (const [key, value] of Object.entries(messageOf(wanted, "labels"))) {
    if (LABEL.key.test(key) && LABEL.value.test(String(value))) continue;
    throw new GcpError("INVALID_ARGUMENT", `The label ${JSON.stringify({ [key]: value })} is not valid.`);
  }
  if (!world.dataPlane?.serves(location)) {
    throw new GcpError(
      "INVALID_ARGUMENT",
      `The location ${JSON.stringify(location)} is not known to the emulator: name it at start.`,
    );
  }
  const name = `projects/${project}/locations/${location}/repositories/${id}`;
  const refuseExisting = () => {
    if (world.repositories.has(name)) throw new GcpError("ALREADY_EXISTS", "the repository already exists");
  };
  refuseExisting();
  return operations.start(call, `projects/${project}/locations/${location}`, () => {
    refuseExisting();
    return { "@type": TYPE, ...shown(addRepository(world, name, wanted)) };
  });
};

/** Makes a repository, at once. @param createTime by default, now */
export function addRepository(
  world: World,
  name: string,
  wanted: Message = {},
  createTime = world.clock(),
): Repository {
  // Over gRPC a field that was not sent has the enum's first value.
  const mode = text(wanted, "mode").replace("MODE_UNSPECIFIED", "");
  const repository: Repository = {
    ...parseRepositoryName(name),
    description: text(wanted, "description"),
    labels: messageOf(wanted, "labels") as Record<string, string>,
    format: text(wanted, "format") || "DOCKER",
    mode: mode || "STANDARD_REPOSITORY",
    immutableTags: messageOf(wanted, "dockerConfig").immutableTags === true,
    createTime,
    updateTime: createTime,
    policy: emptyPolicy(),
    packages: new Map(),
  };
  world.repositories.set(name, repository);
  return repository;
}

export const getRepository: Method = (call) => {
  const name = parseRepositoryName(text(call.request, "name"));
  permit(call, "repositories.get", resourceOf(call.world, name));
  return shown(mustFind(call.world, name));
};

export const listRepositories: Method = (call) => {
  const { project, location } = parseLocationName(text(call.request, "parent"));
  permit(call, "repositories.list", locationResource(project, location));
  const all = [...call.world.repositories.values()].filter(
    (repository) => repository.project === project && repository.location === location,
  );
  const { items, next } = pageOf(call.request, all, ({ id }) => id);
  return { repositories: items.map(shown), nextPageToken: next };
};

export const deleteRepository: Method = (call) => {
  const { world, operations, request } = call;
  const name = parseRepositoryName(text(request, "name"));
  permit(call, "repositories.delete", resourceOf(world, name));
  const repository = mustFind(world, name);
  return operations.start(call, `projects/${name.project}/locations/${name.location}`, async () => {
    for (const path of repository.packages.keys()) await world.dataPlane?.deleteImage(repository, path);
    if (world.repositories.get(name.name) === repository) {
      world.repositories.delete(name.name);
      world.tags.detachAll(name.name);
    }
    return EMPTY;
  });
};

/** A repository as the API answers it. */
export function shown(repository: Repository): Message {
  const { name, description, labels, format, mode, immutableTags, createTime, updateTime, project, location, id } =
    repository;
  return {
    name,
    format,
    description,
    labels,
    mode,
    createTime: timestamp(createTime),
    updateTime: timestamp(updateTime),
    registryUri: `${location}-docker.pkg.dev/${project.replace(":", "/")}/${id}`,
    ...(immutableTags ? { dockerConfig: { immutableTags } } : {}),
  };
}
