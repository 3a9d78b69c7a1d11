import {
  DescribeRepositoriesCommand,
  GetRepositoryCatalogDataCommand,
  PutRepositoryCatalogDataCommand,
  type RepositoryCatalogData,
  type RepositoryCatalogDataInput,
} from "@aws-sdk/client-ecr-public";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Finding } from "../../../core/schemas.ts";
import type { CatalogData } from "../binding.ts";
import { isServiceError } from "../errors.ts";
import { type EcrPublicContext, ecrPublic } from "./context.ts";

/** What ECR Public says of catalog data and tags that it does not take; the name has been checked before. */
export const refusedData = ["InvalidParameterException", "InvalidTagParameterException", "TooManyTagsException"];

/** The binding's catalog data in AWS's own words. */
export function catalogInput(catalog: CatalogData): RepositoryCatalogDataInput {
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

/** Makes the catalog data of a repository that exists what the binding says. What the binding does not name stays. */
export async function keepCatalog(context: EcrPublicContext, name: string, call: Call): Promise<void> {
  const { catalogData } = context.binding;
  if (catalogData === undefined) return;
  const standing = await readCatalog(context, name, call);
  // AWS answers a logo's address, not its bytes: whether it is the same cannot be seen.
  if (standing === undefined || (catalogData.logo === undefined && !differs(standing, catalogData))) return;
  const { description, aboutText, usageText, architectures, operatingSystems } = standing;
  const kept = { description, aboutText, usageText, architectures, operatingSystems };
  const input = { repositoryName: name, catalogData: { ...kept, ...catalogInput(catalogData) } };
  try {
    await ecrPublic(
      context,
      call,
      "PutRepositoryCatalogData",
      (client, options) => client.send(new PutRepositoryCatalogDataCommand(input), options),
      refusedData,
    );
  } catch (error) {
    throw isServiceError(error, ...refusedData) ? refusedBinding(error) : error;
  }
}

/** How many repositories `describeRegistry` looks at. Each is a request. */
const lookedAt = 20;

/** Finds repositories whose catalog data is not what the binding says. It looks at the first few only. */
export async function catalogDrift(context: EcrPublicContext, call: Call): Promise<Finding[]> {
  const { repositoryPrefix: prefix, catalogData } = context.binding;
  if (catalogData === undefined) return [];
  const names = (await listNames(context, prefix, call)).slice(0, lookedAt);
  const standing = await Promise.all(names.map((name) => readCatalog(context, name, call)));
  const drifted = names.filter((_, at) => {
    const found = standing[at];
    return found !== undefined && differs(found, catalogData);
  });
  if (drifted.length === 0) return [];
  return [
    {
      message: `The Amazon ECR Public Gallery does not show what the binding says of ${drifted.join(", ")}.`,
      hint: "Call createRepository for them again: it sets the binding's catalogData.",
    },
  ];
}

async function listNames(context: EcrPublicContext, prefix: string, call: Call): Promise<string[]> {
  const names: string[] = [];
  let nextToken: string | undefined;
  do {
    const input = { maxResults: 1_000, ...(nextToken !== undefined && { nextToken }) };
    const page = await ecrPublic(context, call, "DescribeRepositories", (client, options) =>
      client.send(new DescribeRepositoriesCommand(input), options),
    );
    names.push(...(page.repositories ?? []).flatMap(({ repositoryName: name }) => name ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return names.filter((name) => name.startsWith(`${prefix}-`)).sort();
}

/** @returns undefined where there is no repository */
async function readCatalog(
  context: EcrPublicContext,
  name: string,
  call: Call,
): Promise<RepositoryCatalogData | undefined> {
  // ECR Public's word for a repository whose catalog data was never set.
  const none = "RepositoryCatalogDataNotFoundException";
  try {
    const { catalogData } = await ecrPublic(
      context,
      call,
      "GetRepositoryCatalogData",
      (client, options) => client.send(new GetRepositoryCatalogDataCommand({ repositoryName: name }), options),
      [none, "RepositoryNotFoundException"],
    );
    return catalogData ?? {};
  } catch (error) {
    if (isServiceError(error, none)) return {};
    if (isServiceError(error, "RepositoryNotFoundException")) return undefined;
    throw error;
  }
}

function differs(standing: RepositoryCatalogData, wanted: CatalogData): boolean {
  const { logoImageBlob, ...texts } = catalogInput(wanted);
  if (logoImageBlob !== undefined && standing.logoUrl === undefined) return true;
  const sorted = (value: unknown) => JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
  return Object.entries(texts).some(([field, value]) => {
    // A text that is empty and one that is absent are the same to the gallery.
    const found = standing[field as keyof typeof texts] ?? (Array.isArray(value) ? [] : "");
    return sorted(found) !== sorted(value);
  });
}

export function refusedBinding(cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    "ECR Public does not take the catalog data or the tags that the binding gives a new repository.",
    {
      hint: "See catalogData and repositoryDefaults.tags in the binding: the logo's format, the texts, the keys.",
      cause,
    },
  );
}
