import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { statusOf } from "../errors.ts";
import * as schema from "../schemas.ts";

const error = v.strictObject({ ...schema.errorJson.entries, code: v.picklist(Object.keys(statusOf)) });

/** What has a name of its own in the document, so that a generated client has one type for it. */
const named: Readonly<Record<string, v.GenericSchema>> = {
  AccountId: schema.accountId,
  ArtifactRegistryCredentials: schema.credentials,
  ArtifactRegistryPermissions: schema.permissions,
  AuthMethod: schema.authMethod,
  Capabilities: schema.capabilities,
  CrossAccountAccess: schema.crossAccountAccess,
  CrossAccountPermissions: schema.crossAccountPermissions,
  Error: error,
  ErrorCode: error.entries.code,
  Finding: schema.finding,
  Health: schema.health,
  LogicalName: schema.logicalName,
  Password: schema.password,
  ProjectNumber: schema.projectNumber,
  Region: schema.region,
  RegistryName: schema.registryName,
  RepositoryId: schema.repositoryId,
  RepositoryResponse: schema.repository,
  RoleArn: schema.roleArn,
  Scope: schema.scope,
  ServiceAccountEmail: schema.serviceAccountEmail,
  ServiceType: schema.serviceType,
};

/** `components.schemas` of the document. */
export function namedSchemas(): Record<string, object> {
  const convert = ([name, each]: [string, v.GenericSchema]) => [name, convertedWith(each, without(name))];
  return Object.fromEntries(Object.entries(named).map(convert));
}

/** A schema of ours as JSON Schema 2020-12; what has a name is referred to by it. */
export function schemaOf(schema: v.GenericSchema): object {
  return convertedWith(schema, named);
}

/** A definition refers to all the others, and not to itself. */
function without(name: string): typeof named {
  const { [name]: _, ...others } = named;
  return others;
}

function convertedWith(schema: v.GenericSchema, definitions: typeof named): object {
  const {
    $schema: _,
    $defs: __,
    ...rest
  } = toJsonSchema(schema, {
    target: "draft-2020-12",
    errorMode: "throw",
    typeMode: "input",
    definitions,
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
    // Patterns of JSON Schema are Unicode patterns already: the flag that asks for it in JavaScript is no loss.
    overrideAction: ({ valibotAction, jsonSchema }) =>
      isRegex(valibotAction) ? { ...jsonSchema, pattern: valibotAction.requirement.source } : undefined,
  });
  return rest;
}

function isRegex(action: { readonly type: string }): action is v.RegexAction<string, undefined> {
  return action.type === "regex";
}
