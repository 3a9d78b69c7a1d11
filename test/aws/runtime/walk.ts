import { expect } from "vitest";

export const access = {
  type: "aws",
  accountIds: ["444455556666"],
  regions: ["us-east-1"],
  roleArns: [],
  allowedServiceTypes: ["worker"],
};

/** One way of calling an operation: answers its output, or the error's code. */
export type Ask = (operation: string, input: object) => Promise<Record<string, unknown>>;

/** A repository from its creation to its deletion: every operation that serves repositories. */
export async function walk(ask: Ask, name: string, log: () => string): Promise<void> {
  const repoId = `images-${name}`;
  expect(await ask("createRepository", { name })).toMatchObject({ name: repoId, uri: expect.stringContaining(repoId) });
  const credentials = await ask("generateCredentials", { repoId, permissions: "push-pull", ttlSeconds: 900 });
  expect(credentials).toMatchObject({ authMethod: "basic", username: "AWS", scope: "repository" });
  expect(log()).not.toContain(credentials.password);
  expect(await ask("addCrossAccountAccess", { repoId, access })).toEqual({});
  expect(await ask("getCrossAccountAccess", { repoId })).toMatchObject({ access: { accountIds: ["444455556666"] } });
  expect(await ask("removeCrossAccountAccess", { repoId, access })).toEqual({});
  expect(await ask("getCrossAccountAccess", { repoId })).toMatchObject({ access: { accountIds: [] } });
  expect(await ask("deleteRepository", { repoId })).toEqual({});
  expect(await ask("getRepository", { repoId })).toMatchObject({ code: "RESOURCE_NOT_FOUND" });
}
