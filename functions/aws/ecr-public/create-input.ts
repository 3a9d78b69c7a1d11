import type { CreateRepositoryCommandInput, RepositoryCatalogDataInput } from "@aws-sdk/client-ecr-public";
import type { RoutableName } from "../../../core/names.ts";
import type { CatalogData, EcrPublicBinding } from "../binding.ts";
import { ownershipTagKey } from "../names.ts";

/** What is asked for a new repository: its name, what the gallery shows of it, and its tags, the ownership tag first. */
export function createInput(binding: EcrPublicBinding, name: RoutableName): CreateRepositoryCommandInput {
  const { repositoryPrefix, catalogData, repositoryDefaults } = binding;
  const tags = Object.entries(repositoryDefaults?.tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  return {
    repositoryName: name,
    tags: [{ Key: ownershipTagKey, Value: repositoryPrefix }, ...tags],
    ...(catalogData && { catalogData: catalogDataOf(catalogData) }),
  };
}

function catalogDataOf(catalog: CatalogData): RepositoryCatalogDataInput {
  const { description, about, usage, architectures, operatingSystems, logo } = catalog;
  return {
    ...(description !== undefined && { description }),
    ...(about !== undefined && { aboutText: about }),
    ...(usage !== undefined && { usageText: usage }),
    ...(architectures !== undefined && { architectures }),
    ...(operatingSystems !== undefined && { operatingSystems }),
    // The SDK writes the bytes as base64 again.
    ...(logo !== undefined && { logoImageBlob: Buffer.from(logo, "base64") }),
  };
}
