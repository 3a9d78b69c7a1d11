import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DeprovisionOptions } from "../../../core/registry.ts";
import { grpcCode, unlessAbsent } from "../errors.ts";
import { type GarContext, rpc } from "../gar/context.ts";
import { operate } from "../gar/operations.ts";
import { findRepository, isOurs } from "../gar/own-repository.ts";
import { repositoryResource } from "../place.ts";
import { deleteAccount, findAccount, stateOf, wantedAccounts } from "./accounts.ts";

/**
 * Removes what carries the registry's label or mark: its accounts, then its repository. Idempotent.
 *
 * @throws RESOURCE_CONFLICT (not retryable) while there are images, unless told to delete them
 */
export async function deprovision(
  context: GarContext,
  { deleteRepositories = false }: DeprovisionOptions,
  call: Call,
): Promise<void> {
  const found = await findRepository(context, call);
  const own = found !== undefined && isOurs(found.labels ?? {}, context.place);
  if (own && !deleteRepositories) await refuseImages(context, call);
  let removed = 0;
  for (const { email } of wantedAccounts(context.place)) {
    const account = await findAccount(context, email, call);
    if (account === undefined || stateOf(account, context) === "foreign") continue;
    await deleteAccount(context, account, call);
    removed++;
  }
  if (!own) return;
  // Once more, now that nobody pushes under our credentials: deletion takes images too, and cannot be told not to.
  if (!deleteRepositories && removed > 0) await refuseImages(context, call);
  // Last, since its label is what a repeated call finds the rest by.
  await deleteOwnRepository(context, call);
}

/** How many image paths are counted, which one page of a list holds. */
const counted = 1_000;

/** @throws RESOURCE_CONFLICT (not retryable) while the registry holds images */
export async function refuseImages(context: GarContext, call: Call): Promise<void> {
  const options = {
    action: "ListPackages",
    permission: "artifactregistry.packages.list",
    expected: [grpcCode.notFound],
  };
  const request = { parent: repositoryResource(context.place), pageSize: counted };
  const listed = rpc(context, call, options, (client, more) =>
    client.listPackages(request, { ...more, autoPaginate: false }),
  );
  const [packages] = (await unlessAbsent(listed)) ?? [[]];
  const repositories = packages.length;
  if (repositories === 0) return;
  const number = `${repositories}${repositories < counted ? "" : " or more"}`;
  const what = repositories === 1 ? "a repository" : `${number} repositories`;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry still holds ${what}.`, {
    hint: "Delete them first, or pass deleteRepositories: true.",
    context: { repositories },
  });
}

/** Deletes the registry's repository with everything in it, and waits until it is gone. */
export async function deleteOwnRepository(context: GarContext, call: Call): Promise<void> {
  const request = { name: repositoryResource(context.place) };
  const options = {
    action: "DeleteRepository",
    permission: "artifactregistry.repositories.delete",
    expected: [grpcCode.notFound],
  };
  await unlessAbsent(operate(context, call, options, (client, more) => client.deleteRepository(request, more)));
}
