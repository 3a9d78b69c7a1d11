import { describe, expect, test } from "vitest";
import { createApplication } from "../../core/application.ts";
import { type Caller, doorCaller } from "../../core/caller.ts";
import { type CallerEvidence, type Door, localDoor, oidcDoor, platformDoor, trustedDoor } from "../../core/doors.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { ociGrammar } from "../../core/names.ts";
import { type OperationName, operationNames, operations } from "../../core/operations.ts";
import type { Rule } from "../../core/rules.ts";
import type { Permissions } from "../../core/schemas.ts";
import { caller, createSuite, now, type Suite, type SuiteOptions } from "../support/application.ts";
import { fakePassword } from "../support/fake-registry.ts";
import { allowAll, awsAccess, gcpAccess, goodInputs } from "../support/inputs.ts";

const canary = "canary-secret-4711";

async function run(
  suite: Suite,
  operation: string,
  input: unknown = goodInputs[operation as OperationName],
  evidence: CallerEvidence = { platformCaller: caller },
) {
  const answer = await suite.application.run({ operation, input: () => input, evidence, requestId: "req-1" });
  return answer.ok
    ? { code: "OK", output: answer.output, error: undefined }
    : { code: answer.error.code, output: undefined, error: answer.error };
}

describe("every operation reaches the adapter and answers what the contract says", () => {
  const repository = {
    name: "images/my-app",
    uri: "registry.example/images/my-app",
    createdAt: "2026-01-02T03:04:05.000Z",
  };

  test.each<[OperationName, object, readonly (readonly [string, string?])[]]>([
    ["createRepository", repository, [["createRepository", "images/my-app"]]],
    ["getRepository", repository, [["getRepository", "images/my-app"]]],
    ["deleteRepository", {}, [["deleteRepository", "images/my-app"]]],
    ["listRepositories", { repositories: [repository] }, [["listRepositories"]]],
    [
      "listImages",
      { images: [{ digest: `sha256:${"0".repeat(64)}`, tags: ["images/my-app"] }] },
      [["listImages", "images/my-app"]],
    ],
    ["deleteImage", {}, [["deleteImage", "images/my-app"]]],
    ["listGranteeAccess", { repositories: [{ repoId: "images/my-app", grants: [] }] }, [["listOf"]]],
    ["removeGranteeAccess", { changed: ["images/my-app"] }, [["removeAll"]]],
    [
      "generateCredentials",
      {
        authMethod: "basic",
        username: "token",
        password: fakePassword,
        expiresAt: "2026-05-06T08:08:09.123Z",
        scope: "repository",
        credentialId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
      [["generateCredentials", "images/my-app"]],
    ],
    [
      "revokeCredentials",
      { notBefore: "2026-05-06T07:08:09.123Z", certainBy: "2026-05-06T07:09:09.123Z" },
      [["revokeCredentials"]],
    ],
    ["addCrossAccountAccess", {}, [["add", "images/my-app"]]],
    ["removeCrossAccountAccess", {}, [["remove", "images/my-app"]]],
    [
      "getCrossAccountAccess",
      { access: { type: "aws", accountIds: [], regions: [], roleArns: [], allowedServiceTypes: [] }, grants: [] },
      [["get", "images/my-app"]],
    ],
    ["setupRepository", repository, [["createRepository", "images/my-app"]]],
    ["provisionRegistry", { binding: { service: "fake", prefix: "images" } }, [["provision"]]],
    ["deprovisionRegistry", {}, [["deprovision"]]],
  ])("%s", async (name, output, calls) => {
    const suite = createSuite({ door: localDoor("t") });
    const evidence = { authorization: "Bearer t" };
    expect(await run(suite, name, goodInputs[name], evidence)).toEqual({ code: "OK", output, error: undefined });
    expect(suite.registry.recorded.map(({ method, repository: on }) => [method, ...(on ? [on] : [])])).toEqual(calls);
  });

  test("describeRegistry", async () => {
    expect((await run(createSuite(), "describeRegistry")).output).toMatchObject({
      service: "fake",
      registryEndpoint: "https://registry.example",
      upstreamRepositoryPrefix: "images",
      capabilities: { tellsAbsence: true },
      health: { status: "healthy", findings: [] },
    });
  });

  test("setupRepository creates, then grants everything in one edit", async () => {
    const suite = createSuite();
    const input = { registry: "images", name: "my-app", access: [awsAccess, gcpAccess] };
    expect((await run(suite, "setupRepository", input)).code).toBe("OK");
    expect(suite.registry.recorded.map(({ method, detail }) => [method, detail])).toEqual([
      ["createRepository", undefined],
      ["add", [awsAccess, gcpAccess]],
    ]);
  });

  test("removeCrossAccountAccess passes on what the caller should know", async () => {
    const revoked = {
      leftOut: [{ principal: "210987654321", region: "af-south-1" }],
      unmanaged: [{ statement: "statement 3", principals: ["*"], actions: ["ecr:*"], conditional: false }],
    };
    const input = goodInputs.removeCrossAccountAccess;
    expect((await run(createSuite({ fake: { revoked } }), "removeCrossAccountAccess", input)).output).toEqual(revoked);
  });

  test("options that were not given stay absent", async () => {
    const suite = createSuite({ door: trustedDoor("provision") });
    await run(suite, "provisionRegistry");
    await run(suite, "provisionRegistry", { registry: "images", replicationRegions: ["eu-west-1"] });
    await run(suite, "deprovisionRegistry", { registry: "images", deleteRepositories: true });
    const details = suite.registry.recorded.map(({ detail }) => detail);
    expect(details).toEqual([{}, { replicationRegions: ["eu-west-1"] }, { deleteRepositories: true }]);
  });

  test("the adapter learns who calls, under which id, and the clock", async () => {
    const suite = createSuite();
    await run(suite, "getRepository");
    const call = suite.registry.recorded[0]?.call;
    expect(call).toMatchObject({ caller, requestId: "req-1" });
    expect(call?.now()).toEqual(now);
    expect(call && "asOf" in call).toBe(false);
  });
});

describe("the order of things: who, what, may they, then the platform", () => {
  test("a stranger's input is never read", async () => {
    const suite = createSuite();
    let read = false;
    const input = () => {
      read = true;
    };
    const answer = await suite.application.run({ operation: "createRepository", input, evidence: {} });
    expect(answer).toMatchObject({ ok: false, error: { code: "AUTHENTICATION_ERROR" } });
    expect([read, suite.opened, suite.registry.recorded]).toEqual([false, [], []]);
  });

  test("a stranger does not learn which operations there are", async () => {
    expect((await run(createSuite(), "nothingLikeIt", {}, {})).code).toBe("AUTHENTICATION_ERROR");
  });

  test.each(["nothingLikeIt", "constructor", "__proto__", "toString", "", "createrepository"])(
    "%j is no operation",
    async (name) => {
      const { error } = await run(createSuite(), name, {});
      expect(error).toMatchObject({ code: "INVALID_INPUT", context: { field: "operation" } });
      expect(error?.hint).toContain("createRepository");
    },
  );

  test("without any rule for it a registry is not even opened: bound and unbound look the same", async () => {
    for (const registry of ["images", "unbound"]) {
      const suite = createSuite({ rules: [] });
      expect((await run(suite, "getRepository", { registry, repoId: "x" })).code).toBe("ACCESS_DENIED");
      expect(suite.opened).toEqual([]);
    }
  });

  test("with a rule an unbound registry says so", async () => {
    expect((await run(createSuite(), "getRepository", { registry: "unbound", repoId: "x" })).code).toBe(
      "BINDING_NOT_CONFIGURED",
    );
  });

  const filtered = ["describeRegistry", "listRepositories", "listGranteeAccess"];
  test.each(operationNames.filter((name) => !filtered.includes(name)))(
    "%s that no rule covers reaches no upstream",
    async (name) => {
      const rule = { ...allowAll("door"), repositories: ["images/other"], grantees: ["aws:999999999999"] };
      const suite = createSuite({ rules: [rule], door: localDoor("t") });
      expect((await run(suite, name, goodInputs[name], { authorization: "Bearer t" })).code).toBe("ACCESS_DENIED");
      expect(suite.registry.recorded).toEqual([]);
    },
  );

  test("a hostile id is refused before any call", async () => {
    for (const repoId of ["images/../secret", "https://evil.example/x", "/etc"]) {
      const suite = createSuite();
      expect((await run(suite, "getRepository", { registry: "images", repoId })).error).toMatchObject({
        code: "INVALID_INPUT",
        context: { field: "repoId" },
      });
      expect(suite.registry.recorded).toEqual([]);
    }
  });
});

describe("authorisation looks at the resolved id", () => {
  const only = (...repositories: string[]): SuiteOptions => ({ rules: [{ ...allowAll("aws"), repositories }] });

  test.each([
    ["the routable name", "images/my-app", "OK"],
    ["the logical name of it", "my-app", "OK"],
    ["another one", "images/other", "ACCESS_DENIED"],
    ["a logical name that becomes another one", "MY-APP", "ACCESS_DENIED"],
    ["what is below it", "images/my-app/sub", "ACCESS_DENIED"],
    ["the bare prefix", "images", "ACCESS_DENIED"],
  ])("%s", async (_title, repoId, code) => {
    expect((await run(createSuite(only("images/my-app")), "getRepository", { registry: "images", repoId })).code).toBe(
      code,
    );
  });

  test("a rule for a logical name allows nothing", async () => {
    const input = { registry: "images", repoId: "my-app" };
    expect((await run(createSuite(only("my-app")), "getRepository", input)).code).toBe("ACCESS_DENIED");
  });

  test("createRepository and setupRepository need the repository that they would make", async () => {
    for (const name of ["createRepository", "setupRepository"]) {
      const suite = createSuite(only("images/tenant-a/*"));
      expect((await run(suite, name, { registry: "images", name: "tenant-a/app" })).code).toBe("OK");
      expect((await run(suite, name, { registry: "images", name: "tenant-b/app" })).code).toBe("ACCESS_DENIED");
    }
  });

  test("grants need a rule for every grantee, in setup too", async () => {
    const rule: Rule = { ...allowAll("aws"), grantees: ["aws:123456789012"] };
    const both = { registry: "images", repoId: "my-app", access: awsAccess };
    const one = { ...both, access: { ...awsAccess, roleArns: [] } };
    const setup = (...access: object[]) => ({ registry: "images", name: "my-app", access });
    const suite = createSuite({ rules: [rule] });
    expect((await run(suite, "addCrossAccountAccess", one)).code).toBe("OK");
    expect((await run(suite, "addCrossAccountAccess", both)).code).toBe("ACCESS_DENIED");
    expect((await run(suite, "setupRepository", setup(one.access))).code).toBe("OK");
    expect((await run(suite, "setupRepository", setup(one.access, both.access))).code).toBe("ACCESS_DENIED");
    // Taking away is always possible for whoever has the repository.
    expect((await run(suite, "removeCrossAccountAccess", both)).code).toBe("OK");
  });
});

describe("credentials to push need a rule that says so", () => {
  const { permissions: _, ...unsaid } = allowAll("aws");
  const doors: [string, Door, CallerEvidence, Caller][] = [
    ["platform", platformDoor(), { platformCaller: caller }, caller],
    ["oidc", oidcDoor(async () => caller), { authorization: "Bearer t" }, caller],
    ["invoke", trustedDoor("invoke"), {}, doorCaller("invoke")],
    // `handleEvent` runs nothing but setupRepository; were it otherwise, the rules would hold here too.
    ["events", trustedDoor("events"), {}, doorCaller("events")],
    ["local", localDoor("t"), { authorization: "Bearer t" }, doorCaller("local")],
  ];
  const mint = (permissions: Permissions) => ({ ...goodInputs.generateCredentials, permissions });

  test.each(doors)("behind the %s door", async (_door, door, evidence, who) => {
    const rule: Rule = { ...unsaid, callers: [who] };
    const suite = createSuite({ door, rules: [rule] });
    const { error } = await run(suite, "generateCredentials", mint("push-pull"), evidence);
    expect(error?.toWire("req-1")).toEqual({
      code: "ACCESS_DENIED",
      httpStatusCode: 403,
      message: "No access rule allows the caller push-pull here.",
      hint:
        'The operator can add "push-pull" to the "permissions" of the caller\'s rule in ALIEN_ACCESS_RULES; ' +
        'a rule without them allows "pull" alone.',
      context: { field: "permissions" },
      retryable: false,
      requestId: "req-1",
    });
    expect(suite.registry.recorded).toEqual([]);
    expect(suite.audit).toEqual([expect.objectContaining({ outcome: "ACCESS_DENIED", repoId: "images/my-app" })]);
    expect((await run(suite, "generateCredentials", mint("pull"), evidence)).code).toBe("OK");

    const pushing = createSuite({ door, rules: [rule, { ...rule, permissions: ["push-pull"] }] });
    expect((await run(pushing, "generateCredentials", mint("push-pull"), evidence)).code).toBe("OK");
    expect(pushing.registry.recorded.map(({ detail }) => detail)).toEqual([{ permissions: "push-pull" }]);
  });

  test("where a credential opens the whole registry too", async () => {
    const fake = { capabilities: { credentials: { authMethod: "basic", scope: "registry" } } } as const;
    const suite = createSuite({ rules: [unsaid], fake });
    const { error } = await run(suite, "generateCredentials", mint("push-pull"));
    expect([error?.code, error?.context]).toEqual(["ACCESS_DENIED", { field: "permissions" }]);
    expect((await run(suite, "generateCredentials", mint("pull"))).code).toBe("OK");
  });

  test("whom no rule covers is told nothing about permissions", async () => {
    const suite = createSuite({ rules: [{ ...unsaid, repositories: ["images/other"] }] });
    const { error } = await run(suite, "generateCredentials", mint("push-pull"));
    expect([error?.code, error?.context]).toEqual(["ACCESS_DENIED", undefined]);
    expect(error?.message).toBe("No access rule allows the caller generateCredentials here.");
  });

  test("no other operation asks for permissions, and none hands out a credential", async () => {
    const door = localDoor("t");
    const suite = createSuite({ door, rules: [{ ...unsaid, callers: [doorCaller("local")], permissions: [] }] });
    for (const name of operationNames.filter((each) => each !== "generateCredentials")) {
      const { code, output } = await run(suite, name, goodInputs[name], { authorization: "Bearer t" });
      expect([name, code]).toEqual([name, "OK"]);
      expect(JSON.stringify(output)).not.toContain(fakePassword);
    }
  });
});

describe("what the platform cannot narrow needs a rule for every repository", () => {
  const narrow: readonly Rule[] = [{ ...allowAll("aws"), repositories: ["images/*", "images/my-app"] }];
  const wideCredentials = { capabilities: { credentials: { authMethod: "basic", scope: "registry" } } } as const;
  const wideGrants = { capabilities: { crossAccountScope: "registry" } } as const;
  const setup = { registry: "images", name: "my-app", access: [awsAccess] };

  test.each<[string, OperationName, unknown, SuiteOptions["fake"]]>([
    ["credentials", "generateCredentials", undefined, wideCredentials],
    ["adding a grant", "addCrossAccountAccess", undefined, wideGrants],
    ["removing a grant", "removeCrossAccountAccess", undefined, wideGrants],
    ["reading grants", "getCrossAccountAccess", undefined, wideGrants],
    ["what a consumer may pull", "listGranteeAccess", undefined, wideGrants],
    ["setup with a grant", "setupRepository", setup, wideGrants],
  ])("%s", async (_title, name, input = goodInputs[name], fake) => {
    const denied = createSuite({ rules: narrow, fake: fake ?? {} });
    expect((await run(denied, name, input)).code).toBe("ACCESS_DENIED");
    expect(denied.registry.recorded).toEqual([]);
    expect((await run(createSuite({ rules: narrow }), name, input)).code).toBe("OK");
    expect((await run(createSuite({ fake: fake ?? {} }), name, input)).code).toBe("OK");
  });

  test("a revocation that names no repository, whatever else it names", async () => {
    const holder = { issuer: "aws", subject: "x" };
    const outcomes = async (part: object, ...suites: SuiteOptions[]) =>
      Promise.all(
        suites.map(async (options) => {
          const suite = createSuite(options);
          const { code } = await run(suite, "revokeCredentials", { ...goodInputs.revokeCredentials, ...part });
          return [code, suite.registry.recorded.map(({ repository, detail }) => [repository, detail])];
        }),
      );
    for (const fields of [{}, { permissions: "pull", caller: holder }, { credentialId: "x" }]) {
      expect(await outcomes(fields, { rules: narrow }, {})).toEqual([
        ["ACCESS_DENIED", []],
        ["OK", [[undefined, fields]]],
      ]);
      const named = { repoId: "my-app", ...fields };
      const other = [{ ...allowAll("aws"), repositories: ["images/other"] }];
      expect(await outcomes(named, { rules: narrow }, { rules: other })).toEqual([
        ["OK", [["images/my-app", fields]]],
        ["ACCESS_DENIED", []],
      ]);
    }
  });

  test("operations on one repository stay with that repository", async () => {
    const fake = { capabilities: { ...wideCredentials.capabilities, ...wideGrants.capabilities } };
    for (const name of ["createRepository", "getRepository", "deleteRepository", "setupRepository"] as const) {
      expect((await run(createSuite({ rules: narrow, fake }), name)).code).toBe("OK");
    }
  });

  test("a hostile id is still named as such", async () => {
    const suite = createSuite({ fake: wideCredentials });
    const input = { registry: "images", repoId: "../x", permissions: "pull" };
    expect((await run(suite, "generateCredentials", input)).code).toBe("INVALID_INPUT");
  });

  test.each(["provisionRegistry", "deprovisionRegistry"])("%s as well", async (name) => {
    const rules = [{ ...allowAll("door"), repositories: ["images/*"] }];
    expect((await run(createSuite({ rules, door: trustedDoor("provision") }), name)).code).toBe("ACCESS_DENIED");
    expect((await run(createSuite({ door: trustedDoor("provision") }), name)).code).toBe("OK");
  });
});

describe("doors", () => {
  const runtime = operationNames.filter((name) => operations[name].kind === "runtime");
  const provision = operationNames.filter((name) => operations[name].kind === "provision");

  test("the table knows what serves repositories and what makes registries", () => {
    expect(provision).toEqual(["provisionRegistry", "deprovisionRegistry"]);
    expect(runtime).toHaveLength(14);
  });

  test.each([platformDoor(), trustedDoor("invoke"), trustedDoor("events")])(
    "provisioning does not pass $name",
    async (door) => {
      for (const name of provision) {
        const suite = createSuite({ door });
        const { error } = await run(suite, name);
        expect(error).toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringMatching(/ALIEN_DOOR=provision/) });
        expect(suite.opened).toEqual([]);
      }
      expect((await run(createSuite({ door }), "describeRegistry")).code).toBe("OK");
    },
  );

  test("nothing but registry operations passes provision", async () => {
    for (const name of runtime) {
      const suite = createSuite({ door: trustedDoor("provision") });
      expect((await run(suite, name)).code).toBe("ACCESS_DENIED");
      expect(suite.opened).toEqual([]);
    }
    expect((await run(createSuite({ door: trustedDoor("provision") }), "describeRegistry")).code).toBe("OK");
  });

  test("the door's caller is nobody without a rule for it", async () => {
    const rules = [{ ...allowAll("door"), callers: [{ issuer: "door", subject: "events" }] }];
    expect((await run(createSuite({ rules, door: trustedDoor("events") }), "createRepository")).code).toBe("OK");
    expect((await run(createSuite({ rules, door: trustedDoor("invoke") }), "createRepository")).code).toBe(
      "ACCESS_DENIED",
    );
  });

  test("an oidc caller that calls itself like a platform's is somebody else", async () => {
    const door = oidcDoor(async () => ({ issuer: "https://evil.example", subject: caller.subject }));
    const evidence = { authorization: "Bearer t", platformCaller: caller };
    expect((await run(createSuite({ door }), "getRepository", undefined, evidence)).code).toBe("ACCESS_DENIED");
  });
});

describe("what a platform cannot do", () => {
  const fake = {
    without: ["crossAccount", "provisioning", "revokeCredentials", "lists"],
    capabilities: { unsupported: { addCrossAccountAccess: { reason: "No accounts here.", hint: "Use a token." } } },
  } as const;

  test.each<[OperationName, unknown]>([
    ["addCrossAccountAccess", goodInputs.addCrossAccountAccess],
    ["setupRepository", { registry: "images", name: "my-app", access: [awsAccess] }],
  ])("%s says why and what to do instead, and creates nothing", async (name, input) => {
    const suite = createSuite({ fake });
    expect((await run(suite, name, input)).error).toMatchObject({
      code: "OPERATION_NOT_SUPPORTED",
      httpStatusCode: 501,
      message: "No accounts here.",
      hint: "Use a token.",
      retryable: false,
    });
    expect(suite.registry.recorded).toEqual([]);
  });

  const unwritten = ["removeCrossAccountAccess", "getCrossAccountAccess", "revokeCredentials"] as const;
  const listing = [
    "listRepositories",
    "listImages",
    "deleteImage",
    "listGranteeAccess",
    "removeGranteeAccess",
  ] as const;
  test.each([...unwritten, ...listing])("%s says so even without a written reason", async (name) => {
    expect((await run(createSuite({ fake }), name)).error).toMatchObject({
      code: "OPERATION_NOT_SUPPORTED",
      context: { service: "fake" },
    });
  });

  test.each(["provisionRegistry", "deprovisionRegistry"])("%s too", async (name) => {
    expect((await run(createSuite({ fake, door: trustedDoor("provision") }), name)).code).toBe(
      "OPERATION_NOT_SUPPORTED",
    );
  });

  test("setup without grants works", async () => {
    const input = { registry: "images", name: "my-app", access: [] };
    expect((await run(createSuite({ fake }), "setupRepository", input)).code).toBe("OK");
  });
});

describe("errors", () => {
  test.each<[string, unknown]>([
    ["an error", Object.assign(new Error(canary), { stack: canary, config: { password: canary } })],
    ["a string", canary],
    ["an object", { message: canary, code: canary }],
    [
      "our error with a cause",
      new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", "The cloud failed.", { cause: new Error(canary) }),
    ],
  ])("%s thrown by an adapter leaks nothing into answer or audit", async (_title, thrown) => {
    const suite = createSuite({
      fake: {
        upstream: () => {
          throw thrown;
        },
      },
    });
    for (const name of operationNames.filter((each) => operations[each].kind !== "provision")) {
      const { error } = await run(suite, name);
      expect(["INTERNAL_ERROR", "CLOUD_PLATFORM_ERROR"]).toContain(error?.code);
      expect(JSON.stringify(error?.toWire("r"))).not.toContain(canary);
    }
    expect(JSON.stringify(suite.audit)).not.toContain(canary);
  });

  test("an adapter that breaks while it maps a name leaks nothing either", async () => {
    const suite = createSuite();
    Object.assign(suite.registry, {
      resolveId: () => {
        throw new Error(canary);
      },
    });
    const { error } = await run(suite, "getRepository");
    expect(error?.code).toBe("INTERNAL_ERROR");
    expect(JSON.stringify([error?.toWire("r"), suite.audit])).not.toContain(canary);
  });

  test("the audit line of a revocation says whose credentials, which, and of what permission", async () => {
    const suite = createSuite();
    const revoked = { caller: { issuer: "aws", subject: "x" }, credentialId: "one" };
    const input = { ...goodInputs.revokeCredentials, repoId: "my-app", permissions: "pull", ...revoked };
    await run(suite, "revokeCredentials", input);
    expect(suite.audit).toEqual([
      expect.objectContaining({ repoId: "images/my-app", permissions: "pull", revoked, outcome: "OK" }),
    ]);
    await run(suite, "revokeCredentials", goodInputs.revokeCredentials);
    expect(suite.audit[1]).not.toHaveProperty("revoked");
  });

  test("neither password nor token is in the audit line of the call that answers it", async () => {
    const suite = createSuite({ door: localDoor("caller-token-canary") });
    await run(suite, "generateCredentials", undefined, { authorization: "Bearer caller-token-canary" });
    expect(suite.audit).toHaveLength(1);
    expect(JSON.stringify(suite.audit)).not.toMatch(/canary/);
  });
});

describe("time", () => {
  const forever = () => new Promise<void>(() => {});

  test("the whole operation ends, whatever the platform does", async () => {
    const suite = createSuite({ operationTimeoutMs: 30, fake: { upstream: forever } });
    expect((await run(suite, "getRepository")).error).toMatchObject({ code: "TIMEOUT", retryable: true });
    expect(suite.audit[0]).toMatchObject({ outcome: "TIMEOUT", upstreamCalls: 1 });
  });

  test("one upstream request ends and is repeated", async () => {
    const suite = createSuite({ upstreamTimeoutMs: 10, fake: { upstream: forever } });
    expect((await run(suite, "getRepository")).code).toBe("TIMEOUT");
    expect(suite.audit[0]).toMatchObject({ upstreamCalls: 2 });
  });

  test("a caller that goes away ends it", async () => {
    const gone = new AbortController();
    const suite = createSuite({
      fake: {
        upstream: () => {
          gone.abort();
          return forever();
        },
      },
    });
    const answer = await suite.application.run({
      operation: "getRepository",
      input: () => goodInputs.getRepository,
      evidence: { platformCaller: caller },
      signal: gone.signal,
    });
    expect(answer).toMatchObject({ ok: false, error: { code: "TIMEOUT" } });
  });

  test("an input that never comes ends it too", async () => {
    const suite = createSuite({ operationTimeoutMs: 30 });
    const answer = await suite.application.run({
      operation: "getRepository",
      input: forever,
      evidence: { platformCaller: caller },
    });
    expect(answer).toMatchObject({ ok: false, error: { code: "TIMEOUT", httpStatusCode: 408 } });
    expect(suite.audit).toHaveLength(1);
  });
});

describe("the audit line", () => {
  const golden = {
    time: "2026-05-06T07:08:09.123Z",
    requestId: "req-1",
    door: "platform",
    caller,
    registry: "images",
    operation: "getRepository",
    repoId: "images/my-app",
    outcome: "OK",
    milliseconds: expect.any(Number),
    upstreamCalls: 1,
  };

  test("of a success", async () => {
    const suite = createSuite();
    await run(suite, "getRepository", { registry: "images", repoId: "my-app" });
    expect(suite.audit).toEqual([golden]);
    expect(Object.keys(suite.audit[0] ?? {})).toEqual(Object.keys(golden));
    expect(suite.audit[0]?.milliseconds).toSatisfy((each: number) => Number.isInteger(each) && each >= 0);
  });

  test.each<[string, string, unknown, CallerEvidence, SuiteOptions, object, readonly string[]]>([
    [
      "of a stranger",
      "getRepository",
      goodInputs.getRepository,
      {},
      {},
      { outcome: "AUTHENTICATION_ERROR", reason: "NO_PLATFORM_CALLER" },
      ["caller", "registry", "repoId"],
    ],
    [
      "of an operation that is none: what was sent is not repeated",
      "drop\ntable",
      {},
      { platformCaller: caller },
      {},
      { outcome: "INVALID_INPUT" },
      ["operation", "registry", "repoId"],
    ],
    [
      "of a malformed input",
      "getRepository",
      { registry: "images" },
      { platformCaller: caller },
      {},
      { outcome: "INVALID_INPUT" },
      ["registry", "repoId"],
    ],
    [
      "of a refusal",
      "getRepository",
      goodInputs.getRepository,
      { platformCaller: caller },
      { rules: [] },
      { outcome: "ACCESS_DENIED", reason: "RULES_LACK_RULE", repoId: "images/my-app" },
      [],
    ],
    [
      "of a hostile id: as the caller wrote it",
      "getRepository",
      { registry: "images", repoId: "../x" },
      { platformCaller: caller },
      {},
      { outcome: "INVALID_INPUT", repoId: "../x" },
      [],
    ],
    [
      "of a call on no repository",
      "describeRegistry",
      goodInputs.describeRegistry,
      { platformCaller: caller },
      {},
      { upstreamCalls: 2, operation: "describeRegistry" },
      ["repoId"],
    ],
  ])("%s", async (_title, operation, input, evidence, options, part, absent) => {
    const suite = createSuite(options);
    await run(suite, operation, input, evidence);
    const upstreamCalls = 0;
    const expected: Record<string, unknown> = { ...golden, upstreamCalls, ...part };
    for (const field of absent) delete expected[field];
    expect(suite.audit).toEqual([expected]);
  });

  test.each<[OperationName, object]>([
    ["addCrossAccountAccess", { repoId: "my-app", access: awsAccess }],
    ["removeCrossAccountAccess", { repoId: "my-app", access: awsAccess }],
    ["setupRepository", { name: "my-app", access: [awsAccess] }],
  ])("of %s names whom it lets in or shuts out, each once: a role by its ARN", async (name, input) => {
    const suite = createSuite();
    await run(suite, name, { registry: "images", ...input });
    const grantees = ["aws:123456789012", "aws:arn:aws:iam::210987654321:role/puller"];
    expect(suite.audit).toEqual([expect.objectContaining({ repoId: "images/my-app", grantees })]);
  });

  test("of what concerns every repository names none, or the one that the caller wrote", async () => {
    const provisioning = createSuite({ door: trustedDoor("provision") });
    await run(provisioning, "provisionRegistry");
    expect(provisioning.audit[0]).not.toHaveProperty("repoId");
    const wide = createSuite({ fake: { capabilities: { credentials: { authMethod: "basic", scope: "registry" } } } });
    await run(wide, "generateCredentials", { registry: "images", repoId: "my-app", permissions: "pull" });
    expect(wide.audit).toEqual([expect.objectContaining({ repoId: "my-app", outcome: "OK" })]);
  });

  test("counts every try", async () => {
    const suite = createSuite({
      fake: {
        upstream: () => {
          throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "busy", { retryable: true });
        },
      },
    });
    await run(suite, "getRepository");
    expect(suite.audit[0]).toMatchObject({ outcome: "SERVICE_UNAVAILABLE", upstreamCalls: 2 });
  });

  test("has an id of its own where the platform gave none", async () => {
    const suite = createSuite();
    const answer = await suite.application.run({ operation: "x", input: () => ({}), evidence: {} });
    expect(answer.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(suite.audit[0]?.requestId).toBe(answer.requestId);
  });

  test("is one line of JSON, whatever the caller wrote", async () => {
    const suite = createSuite({ fake: { space: { prefix: "", separator: "/", grammar: ociGrammar } } });
    await run(suite, "getRepository", { registry: "images", repoId: 'a"b\u2028c\ud800' });
    expect(JSON.stringify(suite.audit[0]).split(/[\n\r]/)).toHaveLength(1);
    expect(JSON.parse(JSON.stringify(suite.audit[0]))).toMatchObject({ outcome: "INVALID_INPUT" });
  });
});

describe("budgets", () => {
  const limits = (perSecond: number, burst: number, failures = 0) => ({
    caller: { perSecond, burst },
    failures: { perSecond: failures, burst: failures },
    trustedProxies: 0,
  });
  const ask = async (suite: Suite, evidence: CallerEvidence, address?: string) => {
    const answer = await suite.application.run({
      operation: "getRepository",
      input: () => goodInputs.getRepository,
      evidence,
      ...(address !== undefined && { source: { address } }),
    });
    return answer.ok ? undefined : answer.error;
  };

  test("a caller who has used up its own is told when to come again, and others are served", async () => {
    const suite = createSuite({ limits: limits(1, 3) });
    const mine = { platformCaller: caller };
    const other = { platformCaller: { ...caller, subject: "somebody-else" } };
    for (const _ of [1, 2, 3]) expect(await ask(suite, mine)).toBeUndefined();
    const refused = await ask(suite, mine);
    expect(refused).toMatchObject({ code: "RATE_LIMIT_EXCEEDED", httpStatusCode: 429, retryable: true });
    expect(refused?.retryAfterSeconds).toBeGreaterThan(0);
    expect(refused?.retryAfterSeconds).toBeLessThanOrEqual(1);
    expect(suite.audit.at(-1)).toMatchObject({ reason: "CALLER_BUDGET", upstreamCalls: 0 });
    expect(await ask(suite, other)).toBeUndefined();
  });

  test("a door whose callers cannot be told apart has none", async () => {
    const suite = createSuite({ door: localDoor("t"), limits: limits(1, 1) });
    for (const _ of [1, 2, 3, 4]) expect(await ask(suite, { authorization: "Bearer t" })).toBeUndefined();
  });

  test("failures of one address are counted, and a valid token from there is served", async () => {
    const suite = createSuite({ limits: limits(0, 0, 2) });
    const codes = [];
    for (const _ of [1, 2, 3]) codes.push((await ask(suite, {}, "203.0.113.7"))?.code);
    expect(codes).toEqual(["AUTHENTICATION_ERROR", "AUTHENTICATION_ERROR", "RATE_LIMIT_EXCEEDED"]);
    const reasons = suite.audit.map(({ reason }) => reason);
    expect(reasons).toEqual(["NO_PLATFORM_CALLER", "NO_PLATFORM_CALLER", "SOURCE_BUDGET"]);
    expect(await ask(suite, { platformCaller: caller }, "203.0.113.7")).toBeUndefined();
    expect(await ask(suite, {}, "203.0.113.8")).toMatchObject({ code: "AUTHENTICATION_ERROR" });
    // Where nobody tells the address, nothing can be counted.
    for (const _ of [1, 2, 3]) expect(await ask(suite, {})).toMatchObject({ code: "AUTHENTICATION_ERROR" });
  });

  test("over HTTP, with a true Retry-After", async () => {
    const suite = createSuite({ limits: limits(1, 1) });
    const body = JSON.stringify(goodInputs.getRepository);
    const send = () =>
      suite.http(new Request("http://localhost/v1/getRepository", { method: "POST", body }), {
        platformCaller: caller,
      });
    expect((await send()).status).toBe(200);
    const refused = await send();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  });
});

describe("rules that cannot be read any more", () => {
  test("are told to whoever asks how the registry is", async () => {
    const suite = createSuite();
    expect((await run(suite, "describeRegistry")).output).toMatchObject({
      health: { status: "healthy", findings: [] },
    });
    const problem = { message: "The rules are broken." };
    const application = createApplication({
      ...suite.options,
      rules: { current: async () => ({ rules: ["aws"].map(allowAll), problem }) },
    });
    const answer = await application.run({
      operation: "describeRegistry",
      input: () => goodInputs.describeRegistry,
      evidence: { platformCaller: caller },
    });
    expect(answer).toMatchObject({ ok: true, output: { health: { status: "degraded", findings: [problem] } } });
  });
});
