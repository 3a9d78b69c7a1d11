import type { Method } from "./method.ts";
import { deletePackage, getPackage, listPackages } from "./packages.ts";
import { getIamPolicy, setIamPolicy, testIamPermissions } from "./policies.ts";
import { createRepository, deleteRepository, getRepository, listRepositories } from "./repositories.ts";
import { deleteTag, deleteVersion, listTags, listVersions } from "./versions.ts";

export const ARTIFACT_REGISTRY: Readonly<Record<string, Method>> = {
  CreateRepository: createRepository,
  GetRepository: getRepository,
  ListRepositories: listRepositories,
  DeleteRepository: deleteRepository,
  GetPackage: getPackage,
  ListPackages: listPackages,
  DeletePackage: deletePackage,
  ListVersions: listVersions,
  DeleteVersion: deleteVersion,
  ListTags: listTags,
  DeleteTag: deleteTag,
  GetIamPolicy: getIamPolicy,
  SetIamPolicy: setIamPolicy,
  TestIamPermissions: testIamPermissions,
};

export const OPERATIONS: Readonly<Record<string, Method>> = {
  GetOperation: (call) => call.operations.get(call),
};
