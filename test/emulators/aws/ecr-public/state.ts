import { createHash } from "node:crypto";
import type { ImageStore } from "../ecr/state.ts";
import type { BoundDocument } from "../identity/bound-principals.ts";
import { AwsError } from "../wire/errors.ts";

export interface PublicRepository extends ImageStore {
  readonly arn: string;
  readonly uri: string;
  readonly createdAt: Date;
  readonly tags: Map<string, string>;
  policy: BoundDocument | undefined;
  catalogData: CatalogData;
}

export interface CatalogData {
  readonly description?: string;
  readonly architectures?: readonly string[];
  readonly operatingSystems?: readonly string[];
  readonly aboutText?: string;
  readonly usageText?: string;
  readonly logoUrl?: string;
}

/** The public registry of one account. It lives in us-east-1, and is the same for the whole partition. */
export interface PublicRegistry {
  readonly account: string;
  readonly partition: string;
  /** The part of every URI that is the account's: AWS gives a default one. */
  readonly alias: string;
  readonly repositories: Map<string, PublicRepository>;
}

export function newPublicRegistry(partition: string, account: string): PublicRegistry {
  const alias = createHash("sha256").update(account).digest("hex").replace(/\D/g, "").slice(0, 6);
  return { account, partition, alias: `e${alias}`, repositories: new Map() };
}

export function publicArn({ partition, account }: PublicRegistry, name: string): string {
  return `arn:${partition}:ecr-public::${account}:repository/${name}`;
}

/** @throws RepositoryNotFoundException */
export function requirePublic({ repositories, account }: PublicRegistry, name: string): PublicRepository {
  const repository = repositories.get(name);
  if (repository !== undefined) return repository;
  throw new AwsError(
    "RepositoryNotFoundException",
    `The repository with name '${name}' does not exist in the registry with id '${account}'`,
  );
}
