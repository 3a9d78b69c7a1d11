import type { BoundDocument } from "../identity/bound-principals.ts";
import { AwsError } from "../wire/errors.ts";

export interface StoredImage {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactMediaType: string | undefined;
  readonly size: number;
  readonly pushedAt: Date;
  readonly tags: Set<string>;
  /** Of a manifest list: the digests of its manifests. */
  readonly holds: readonly string[];
  lastPulledAt: Date | undefined;
  /** As ECR calls it: images in the archive are `ARCHIVED`. */
  status: "ACTIVE" | "ARCHIVED";
}

/** By digest. */
export type Images = Map<string, StoredImage>;

/** What keeps images, in both services. */
export interface ImageStore {
  readonly name: string;
  readonly registryId: string;
  readonly images: Images;
}

export function tagged(images: Images, tag: string): StoredImage | undefined {
  return [...images.values()].find(({ tags }) => tags.has(tag));
}

export interface Repository extends ImageStore {
  readonly arn: string;
  readonly uri: string;
  readonly createdAt: Date;
  readonly encryption: Readonly<Record<string, unknown>>;
  readonly tags: Map<string, string>;
  tagMutability: string;
  tagMutabilityExclusions: readonly unknown[];
  scanOnPush: boolean;
  policy: BoundDocument | undefined;
  lifecyclePolicy: { readonly text: string; readonly setAt: Date } | undefined;
}

export interface ReplicationRule {
  readonly destinations: readonly { readonly region: string; readonly registryId: string }[];
  readonly repositoryFilters: readonly { readonly filter: string; readonly filterType: string }[];
  /** Since November 2026 (botocore 1.44); the SDK for JavaScript does not know it in 3.1169. */
  readonly deleteReplication?: { readonly enabled: boolean };
}

/** One image on its way to another region. */
export interface Replica {
  readonly repository: string;
  readonly digest: string;
  readonly tag: string | undefined;
  readonly destination: { readonly region: string; readonly registryId: string };
}

/** The older images on their way to one destination. */
export interface Backfill {
  readonly id: string;
  readonly destination: Replica["destination"];
  readonly startedAt: Date;
  status: "PREPARING" | "COMPLETE";
}

/** The private registry of one account in one region. */
export interface PrivateRegistry {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  readonly host: string;
  readonly repositories: Map<string, Repository>;
  rules: readonly ReplicationRule[];
  /** Of the replication configuration, beside its rules: what no model has yet. */
  newMembers: Readonly<Record<string, unknown>>;
  /** Pushed, matched by a rule at that moment, and not copied yet. */
  pending: Replica[];
  readonly backfills: Backfill[];
  /** The service-linked role that replication needs is made at the first use. */
  replicationRole: boolean;
  /** When the last repository of each name was created, in milliseconds. */
  readonly lastCreated: Map<string, number>;
}

export function newPrivateRegistry(partition: string, account: string, region: string): PrivateRegistry {
  return {
    account,
    region,
    partition,
    host: `${account}.dkr.ecr.${region}.${partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com"}`,
    repositories: new Map(),
    rules: [],
    newMembers: {},
    pending: [],
    backfills: [],
    replicationRole: false,
    lastCreated: new Map(),
  };
}

/** Where the registry's rules replicate a repository to, and by which rules. */
export function destinationsOf({ rules }: PrivateRegistry, repository: string): Replica["destination"][] {
  const matching = rules.filter(
    ({ repositoryFilters: filters }) =>
      filters.length === 0 || filters.some(({ filter }) => repository.startsWith(filter)),
  );
  return matching.flatMap(({ destinations }) => destinations);
}

export function repositoryArn({ partition, account, region }: PrivateRegistry, name: string): string {
  return `arn:${partition}:ecr:${region}:${account}:repository/${name}`;
}

/** @param now two repositories of one name never have the same `createdAt`, however fast one follows the other */
export function addRepository(registry: PrivateRegistry, name: string, now: Date): Repository {
  const createdAt = new Date(Math.max(now.getTime(), (registry.lastCreated.get(name) ?? 0) + 1));
  registry.lastCreated.set(name, createdAt.getTime());
  const repository: Repository = {
    name,
    arn: repositoryArn(registry, name),
    uri: `${registry.host}/${name}`,
    registryId: registry.account,
    createdAt,
    encryption: { encryptionType: "AES256" },
    tags: new Map(),
    images: new Map(),
    tagMutability: "MUTABLE",
    tagMutabilityExclusions: [],
    scanOnPush: false,
    policy: undefined,
    lifecyclePolicy: undefined,
  };
  registry.repositories.set(name, repository);
  return repository;
}

/** @throws RepositoryNotFoundException */
export function requireRepository({ repositories, account }: PrivateRegistry, name: string): Repository {
  const repository = repositories.get(name);
  if (repository !== undefined) return repository;
  throw new AwsError(
    "RepositoryNotFoundException",
    `The repository with name '${name}' does not exist in the registry with id '${account}'`,
  );
}
