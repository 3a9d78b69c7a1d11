import type * as v from "valibot";
import { describe, expectTypeOf, it } from "vitest";
import type { DirectModule } from "../../client/connection.ts";
import type * as direct from "../../client/direct.ts";
import type { CredentialOptions, Operations, Registry } from "../../client/index.ts";
import type { operations } from "../../core/operations.ts";
import type * as registrySchemas from "../../core/registry-schemas.ts";
import type * as schemas from "../../core/schemas.ts";

/** What may be left out may be spelled as undefined too: JSON leaves it out. */
type Loose<T> = T extends readonly (infer Item)[]
  ? Loose<Item>[]
  : T extends object
    ? { [Key in keyof T]: Loose<T[Key]> | (undefined extends T[Key] ? undefined : never) }
    : T;
type Same<A, B> = [Loose<A>] extends [Loose<B>] ? ([Loose<B>] extends [Loose<A>] ? true : false) : false;

describe("the types that callers see", () => {
  it("are those of the schemas", () => {
    expectTypeOf<Same<Operations["getRepository"]["output"], schemas.RepositoryResponse>>().toEqualTypeOf<true>();
    expectTypeOf<
      Same<Operations["generateCredentials"]["output"], schemas.ArtifactRegistryCredentials>
    >().toEqualTypeOf<true>();
    expectTypeOf<
      Same<Operations["getCrossAccountAccess"]["output"], schemas.CrossAccountPermissions>
    >().toEqualTypeOf<true>();
    expectTypeOf<Same<Operations["removeCrossAccountAccess"]["output"], schemas.RevokedAccess>>().toEqualTypeOf<true>();
    expectTypeOf<
      Same<Operations["addCrossAccountAccess"]["input"]["access"], schemas.CrossAccountAccess>
    >().toEqualTypeOf<true>();
    expectTypeOf<
      Same<Operations["describeRegistry"]["output"]["capabilities"], registrySchemas.Capabilities>
    >().toEqualTypeOf<true>();
    expectTypeOf<Same<Operations["describeRegistry"]["output"]["health"], schemas.Health>>().toEqualTypeOf<true>();
    type Backfills = NonNullable<Operations["provisionRegistry"]["output"]["backfills"]>;
    expectTypeOf<Same<Backfills[number], schemas.Backfill>>().toEqualTypeOf<true>();
  });

  it("of lists are those of the schemas", () => {
    expectTypeOf<
      Same<Operations["listImages"]["output"]["images"][number], registrySchemas.Image>
    >().toEqualTypeOf<true>();
    expectTypeOf<
      Same<Operations["listGranteeAccess"]["output"]["repositories"][number], registrySchemas.GranteeAccess>
    >().toEqualTypeOf<true>();
  });

  it("of what a credential is asked for are those of the schema", () => {
    type Input = v.InferOutput<(typeof operations)["generateCredentials"]["input"]>;
    expectTypeOf<Operations["generateCredentials"]["input"]>().toExtend<Partial<Input & object>>();
  });

  it("know every operation of the table, and no other", () => {
    expectTypeOf<keyof Operations>().toEqualTypeOf<keyof typeof operations>();
  });

  it("of what runs in process are those that it is loaded as", () => {
    expectTypeOf<typeof direct>().toExtend<DirectModule>();
  });

  it("take and give what the API reference says", () => {
    expectTypeOf<Registry["createRepository"]>().parameter(0).toEqualTypeOf<string>();
    expectTypeOf<Registry["generateCredentials"]>().parameter(1).toEqualTypeOf<"pull" | "push-pull">();
    expectTypeOf<Registry["generateCredentials"]>().parameter(2).toEqualTypeOf<number | undefined>();
    expectTypeOf<Registry["generateCredentials"]>().parameter(3).toEqualTypeOf<CredentialOptions | undefined>();
    expectTypeOf<Registry["deleteRepository"]>().returns.resolves.toEqualTypeOf<void>();
    expectTypeOf<Registry["registryEndpoint"]>().toEqualTypeOf<string>();
    expectTypeOf<Registry["upstreamRepositoryPrefix"]>().toEqualTypeOf<string>();
    // @ts-expect-error: there is no such permission.
    expectTypeOf<"push">().toExtend<Parameters<Registry["generateCredentials"]>[1]>();
    expectTypeOf<v.GenericSchema>().not.toBeAny();
  });
});
