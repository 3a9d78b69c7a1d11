import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DeprovisionOptions } from "../../../core/registry.ts";
import { grpcCode, undefinedIfNotFound } from "../errors.ts";
import { type GarContext, rpc } from "../gar/context.ts";
import { runOperation } from "../gar/operations.ts";
import { findOwnRepository, hasOwnershipLabel } from "../gar/own-repository.ts";
import { accountState, deleteAccount, findAccount, registryAccounts } from "./accounts.ts";

/**
 * Removes what carries the registry's label or mark: its accounts, then its repository. Idempotent.
 *
 * @throws RESOURCE_CONFLICT (not retryable) while there are images, unless `deleteRepositories` allows their deletion
 */
export async function deprovision(
  context: GarContext,
  { deleteRepositories = false }: DeprovisionOptions,
  call: Call,
): Promise<void> {
  const found = await findOwnRepository(context, call);
  const isOwn = found !== undefined && hasOwnershipLabel(found, context.place);
  if (isOwn && !deleteRepositories) await refuseImages(context, call);
  let removed = 0;
  for (const { email } of registryAccounts(context.place)) {
    const account = await findAccount(context, email, call);
    if (account === undefined || accountState(account, context) === "foreign") continue;
    await deleteAccount(context, account, call);
    removed++;
  }
  if (!isOwn) return;
  // Checked again now that nobody can push with our credentials. A deletion takes the images too, and no option prevents it.
  if (!deleteRepositories && removed > 0) await refuseImages(context, call);
  // The repository goes last, because by its label a repeated call finds the rest.
  await deleteOwnRepository(context, call);
}

/** How many image paths are counted at most: what one page of a list holds. */
const countLimit = 1_000;

/** @throws RESOURCE_CONFLICT (not retryable) while the registry holds images */
async function refuseImages(context: GarContext, call: Call): Promise<void> {
  const method = {
    action: "ListPackages",
    permission: "artifactregistry.packages.list",
    expected: [grpcCode.notFound],
  };
  const request = { parent: context.resource, pageSize: countLimit };
  const listed = rpc(context, call, method, (client, options) =>
    client.listPackages(request, { ...options, autoPaginate: false }),
  );
  const [packages] = (await undefinedIfNotFound(listed)) ?? [[]];
  const repositories = packages.length;
  if (repositories === 0) return;
  const number = `${repositories}${repositories < countLimit ? "" : " or more"}`;
  const what = repositories === 1 ? "a repository" : `${number} repositories`;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry still holds ${what}.`, {
    hint: "Delete them first, or pass deleteRepositories: true.",
    context: { repositories },
  });
}

/** Deletes the registry's repository with everything in it, and waits until it is gone. */
async function deleteOwnRepository(context: GarContext, call: Call): Promise<void> {
  const request = { name: context.resource };
  const method = {
    action: "DeleteRepository",
    permission: "artifactregistry.repositories.delete",
    expected: [grpcCode.notFound],
  };
  await undefinedIfNotFound(
    runOperation(context, call, method, (client, options) => client.deleteRepository(request, options)),
  );
}
