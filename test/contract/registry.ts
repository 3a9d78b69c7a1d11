import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { doorCaller } from "../../core/caller.ts";
import { type OperationName, operations } from "../../core/operations.ts";
import { pushImage } from "../../oci/client/index.ts";
import { buildImage } from "../oci/client/images.ts";
import type { Golden } from "./golden.ts";
import type { Subject } from "./suite.ts";

const awsAccess = {
  type: "aws",
  accountIds: ["123456789012"],
  regions: ["us-east-1"],
  roleArns: [],
  allowedServiceTypes: ["worker"],
};

const refusedAtOnce = { status: 401 };

export function registryTests(subject: () => Subject, { unsupported, tellsAbsence }: Golden): void {
  const can = (operation: OperationName) => !unsupported.includes(operation);
  const inputOf = (operation: OperationName): object => {
    const { registry, fresh } = subject();
    const repoId = fresh("unsupported");
    switch (operation) {
      case "addCrossAccountAccess":
      case "removeCrossAccountAccess":
        return { registry, repoId, access: awsAccess };
      case "createRepository":
        return { registry, name: repoId };
      case "setupRepository":
        return { registry, name: repoId, access: [awsAccess] };
      case "generateCredentials":
        return { registry, repoId, permissions: "pull" };
      case "getRepository":
      case "deleteRepository":
      case "getCrossAccountAccess":
      case "listImages":
        return { registry, repoId };
      case "deleteImage":
        return { registry, repoId, reference: "1.0" };
      case "listGranteeAccess":
      case "removeGranteeAccess":
        return { registry, grantee: "aws:123456789012" };
      case "revokeCredentials":
        return { registry, repoId, permissions: "pull" };
      case "provisionRegistry":
      case "deprovisionRegistry":
      case "describeRegistry":
      case "listRepositories":
        return { registry };
    }
  };

  describe("the registry", () => {
    test("describes itself, and is healthy", async () => {
      const { suite, registry } = subject();
      const description = await suite.ok("describeRegistry", { registry });
      v.assert(operations.describeRegistry.output, description);
      expect(URL.canParse(description.registryEndpoint)).toBe(true);
      expect(description.health).toEqual({ status: "healthy", findings: [] });
    });

    test("its capabilities say exactly what the golden list says", async () => {
      const { suite, registry } = subject();
      const { capabilities } = await suite.ok("describeRegistry", { registry });
      expect(Object.keys(capabilities.unsupported).sort()).toEqual([...unsupported].sort());
      expect(capabilities.tellsAbsence).toBe(tellsAbsence);
    });

    for (const operation of unsupported) {
      test(`refuses ${operation} with the reason and another way`, async () => {
        const { suite, registry } = subject();
        const { capabilities } = await suite.ok("describeRegistry", { registry });
        const { status, body } = await suite.refused(operation, inputOf(operation));
        const why = capabilities.unsupported[operation];
        expect([status, body.code, body.retryable]).toEqual([501, "OPERATION_NOT_SUPPORTED", false]);
        expect([body.message, body.hint]).toEqual([why?.reason, why?.hint]);
        expect(suite.audit.at(-1)?.upstreamCalls).toBe(0);
      });
    }

    if (!can("addCrossAccountAccess")) {
      test("refuses a set-up with access before it has created anything", async () => {
        const { suite, registry, fresh } = subject();
        const name = fresh("refused-setup");
        const { body } = await suite.refused("setupRepository", { registry, name, access: [awsAccess] });
        expect(body.code).toBe("OPERATION_NOT_SUPPORTED");
        expect(suite.audit.at(-1)?.upstreamCalls).toBe(0);
      });
    }

    if (can("revokeCredentials")) {
      test("ends a credential by its id at once, and no other; a new one is minted for whoever asks", async () => {
        const { suite, registry, fresh, client } = subject();
        const mintFor = async (name: string) =>
          suite.ok("generateCredentials", { registry, repoId: name, permissions: "push-pull" });
        const { name } = await suite.ok("createRepository", { registry, name: fresh() });
        const [leaked, other] = [await mintFor(name), await mintFor(fresh())];
        const withLeaked = await client(leaked);
        await pushImage(withLeaked, name, "1.0", buildImage({ seed: name }));
        const { notBefore, certainBy } = await suite.ok("revokeCredentials", {
          registry,
          credentialId: leaked.credentialId,
        });
        expect(Date.parse(notBefore)).toBeLessThanOrEqual(Date.parse(certainBy));
        // This client has a bearer token already, which the registry gave it in exchange.
        await expect(withLeaked.tags(name)).rejects.toMatchObject(refusedAtOnce);
        await expect((await client(leaked)).ping()).rejects.toMatchObject(refusedAtOnce);
        await (await client(other)).ping();
        const again = await mintFor(name);
        expect(again.credentialId).not.toBe(leaked.credentialId);
        expect(await (await client(again)).tags(name)).toEqual(["1.0"]);
      });

      test("ends what fits all that is given: repository, permission and caller", async () => {
        const { suite, registry, otherRegistry, fresh, client } = subject();
        const [name, another] = [fresh(), fresh()];
        for (const repoId of [name, another]) await suite.ok("createRepository", { registry, name: repoId });
        const mint = (repoId: string, permissions: string, as: "alice" | "bob" = "alice", of: string = registry) =>
          suite.ok("generateCredentials", { registry: of, repoId, permissions }, as);
        const held = {
          "of alice, to pull": await mint(name, "pull"),
          "of alice, to push": await mint(name, "push-pull"),
          "of bob, to push": await mint(name, "push-pull", "bob"),
          "for another repository": await mint(another, "push-pull"),
          "for another registry": await mint(name, "push-pull", "alice", otherRegistry),
        };
        const taken = async () => {
          const pings = Object.entries(held).map(async ([what, credentials]) =>
            (await client(credentials)).ping().then(
              () => what,
              () => undefined,
            ),
          );
          return (await Promise.all(pings)).filter((what) => what !== undefined);
        };
        expect(await taken()).toEqual(Object.keys(held));
        const bob = doorCaller("bob");
        const alice = doorCaller("alice");
        const every = Object.keys(held);
        const steps: [input: object, ended: string[]][] = [
          [{ repoId: name, permissions: "pull", caller: bob }, []],
          [{ repoId: name, permissions: "push-pull", caller: bob }, ["of bob, to push"]],
          [{ permissions: "pull", caller: alice }, ["of alice, to pull"]],
          [{ repoId: name }, ["of alice, to push"]],
          [{}, ["for another repository"]],
        ];
        for (const [input, ended] of steps) {
          await suite.ok("revokeCredentials", { registry, ...input });
          for (const what of ended) every.splice(every.indexOf(what), 1);
          expect(await taken(), JSON.stringify(input)).toEqual(every);
        }
      });
    }

    if (can("provisionRegistry") && can("deprovisionRegistry")) {
      /** A repository of the other registry, for sure: where absence is not told, it is there once it holds an image. */
      const filled = async (logical: string): Promise<string> => {
        const { suite, otherRegistry: registry, client } = subject();
        const { name } = await suite.ok("createRepository", { registry, name: logical });
        if (tellsAbsence) return name;
        const minted = await suite.ok("generateCredentials", { registry, repoId: name, permissions: "push-pull" });
        await pushImage(await client(minted), name, "1.0", buildImage({ seed: name }));
        return name;
      };

      test("is provisioned twice with the same binding, and not taken away while it holds repositories", async () => {
        const { suite, fresh, otherRegistry: registry } = subject();
        const first = await suite.ok("provisionRegistry", { registry });
        expect(await suite.ok("provisionRegistry", { registry })).toEqual(first);
        const name = await filled(fresh("kept"));
        const { body } = await suite.refused("deprovisionRegistry", { registry });
        expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
        expect((await suite.ok("getRepository", { registry, repoId: name })).name).toBe(name);
      });

      test("is taken away with its repositories when told, and no other registry is touched", async () => {
        const { suite, fresh, registry, otherRegistry } = subject();
        const mine = await suite.ok("createRepository", { registry, name: fresh("survivor") });
        const gone = await filled(fresh("gone"));
        await suite.ok("deprovisionRegistry", { registry: otherRegistry, deleteRepositories: true });
        await suite.ok("deprovisionRegistry", { registry: otherRegistry });
        await suite.ok("provisionRegistry", { registry: otherRegistry });
        if (tellsAbsence) {
          const { body } = await suite.refused("getRepository", { registry: otherRegistry, repoId: gone });
          expect(body.code).toBe("RESOURCE_NOT_FOUND");
        } else {
          // Were anything left, this would be refused.
          await suite.ok("deprovisionRegistry", { registry: otherRegistry });
          await suite.ok("provisionRegistry", { registry: otherRegistry });
        }
        expect((await suite.ok("getRepository", { registry, repoId: mine.name })).name).toBe(mine.name);
      });
    }
  });
}
