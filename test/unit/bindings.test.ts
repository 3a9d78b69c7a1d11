import * as v from "valibot";
import { beforeEach, describe, expect, test } from "vitest";
import { createDirectory } from "../../core/bindings.ts";
import { ociGrammar } from "../../core/names.ts";
import {
  bindingVariable,
  defineService,
  type Environment,
  type OpenContext,
  type Platform,
} from "../../core/platform.ts";
import { createFakeRegistry } from "../support/fake-registry.ts";
import { errorOf } from "../support/inputs.ts";

const opened: OpenContext[] = [];
/** How often opening fails before it works. */
let failures = 0;
beforeEach(() => {
  opened.length = 0;
  failures = 0;
});

const platform: Platform = {
  name: "test",
  services: {
    fake: defineService({
      binding: v.strictObject({
        service: v.literal("fake"),
        prefix: v.string(),
        region: v.optional(v.pipe(v.string(), v.minLength(1, "must not be empty"))),
      }),
      prefix: (_name, { prefix }) => ({ prefix, separator: "/" }),
      async open(context) {
        opened.push(context);
        if (failures-- > 0) throw new Error("not yet");
        return createFakeRegistry({ space: { prefix: context.binding.prefix, separator: "/", grammar: ociGrammar } });
      },
    }),
    other: defineService({
      binding: v.strictObject({ service: v.literal("other") }),
      prefix: (name) => ({ prefix: name, separator: "-" }),
      open: () => createFakeRegistry(),
    }),
  },
};
const bind = (prefix: string) => JSON.stringify({ service: "fake", prefix });
const directory = (env: Environment, names: readonly string[] = []) => createDirectory(platform, env, names);
const refusal = (env: Environment, names: readonly string[] = []) => errorOf(() => directory(env, names));

test.each([
  ["images", "ALIEN_IMAGES_BINDING"],
  ["my-images", "ALIEN_MY_IMAGES_BINDING"],
  ["my_images", "ALIEN_MY_IMAGES_BINDING"],
  ["a-b-c", "ALIEN_A_B_C_BINDING"],
  ["Images2", "ALIEN_IMAGES2_BINDING"],
])("%s is bound by %s", (name, variable) => {
  expect(bindingVariable(name)).toBe(variable);
});

test("names tells what is bound, listed or named in a rule, and opens nothing", () => {
  const env = { ALIEN_MY_IMAGES_BINDING: bind("images"), ALIEN_OTHER: "" };
  expect(directory(env, ["my_images", "later"]).names()).toEqual(["my_images", "later"]);
  expect(directory(env).names()).toEqual(["my-images"]);
  expect(opened).toEqual([]);
});

describe("opening", () => {
  test("a registry is found under its variable's name, once", async () => {
    const registries = directory({ ALIEN_MY_IMAGES_BINDING: bind("images") });
    const [one, two] = await Promise.all([registries.open("my-images"), registries.open("my-images")]);
    expect(one).toBe(two);
    expect(await registries.open("my-images")).toBe(one);
    expect(opened).toHaveLength(1);
  });

  test("nothing is opened before it is asked for", () => {
    directory({ ALIEN_IMAGES_BINDING: bind("images") }, ["images"]);
    expect(opened).toEqual([]);
  });

  test("the adapter learns its name, its binding, the environment, and where the others are", async () => {
    const env = {
      ALIEN_IMAGES_BINDING: bind("images"),
      ALIEN_BUILDS_BINDING: bind("builds"),
      ALIEN_X_BINDING: '{"service":"other"}',
    };
    await directory(env).open("images");
    expect(opened).toMatchObject([{ name: "images", binding: { service: "fake", prefix: "images" } }]);
    expect(opened[0]?.env).toBe(env);
    expect(opened[0]?.others).toEqual([
      { prefix: "builds", separator: "/" },
      { prefix: "x", separator: "-" },
    ]);
  });

  test("every adapter is decorated with its own name", async () => {
    const wrapped: string[] = [];
    const registries = createDirectory(platform, { ALIEN_IMAGES_BINDING: bind("images") }, [], (name, registry) => {
      wrapped.push(name);
      return { ...registry, service: "wrapped" };
    });
    expect((await registries.open("images")).service).toBe("wrapped");
    expect(wrapped).toEqual(["images"]);
  });

  test.each(["builds", "image", "images2", "constructor", "__proto__", ""])("%j is not bound", async (name) => {
    const registries = directory({ ALIEN_IMAGES_BINDING: bind("images") }, ["builds"]);
    expect(await errorOf(() => registries.open(name))).toMatchObject({
      code: "BINDING_NOT_CONFIGURED",
      context: { field: "registry" },
      hint: expect.stringContaining(bindingVariable(name)),
    });
    expect(opened).toEqual([]);
  });

  test("a failed open reaches all who waited, and the next call tries again", async () => {
    failures = 1;
    const registries = directory({ ALIEN_IMAGES_BINDING: bind("images") });
    const first = await Promise.allSettled([registries.open("images"), registries.open("images")]);
    expect(first.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(opened).toHaveLength(1);
    const registry = await registries.open("images");
    expect(await registries.open("images")).toBe(registry);
    expect(opened).toHaveLength(2);
  });
});

describe("shared variables", () => {
  test("two names that share one are refused at start", async () => {
    const error = await refusal({}, ["my-builds", "my_builds"]);
    expect(error).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      message: '"my-builds" and "my_builds" share the variable ALIEN_MY_BUILDS_BINDING.',
      context: { variable: "ALIEN_MY_BUILDS_BINDING" },
    });
    expect((await refusal({}, ["images", "Images"])).code).toBe("BINDING_CONFIG_INVALID");
  });

  test("the same name twice is one name", () => {
    expect(() => directory({}, ["images", "images"])).not.toThrow();
  });

  test("a second name for a bound variable is refused when it is asked for", async () => {
    const registries = directory({ ALIEN_MY_BUILDS_BINDING: bind("builds") });
    await registries.open("my-builds");
    for (const name of ["my_builds", "MY-BUILDS", "My_Builds"]) {
      expect((await errorOf(() => registries.open(name))).code).toBe("BINDING_CONFIG_INVALID");
    }
    expect(opened).toHaveLength(1);
  });

  test("the name that is meant can be given", async () => {
    const registries = directory({ ALIEN_MY_BUILDS_BINDING: bind("builds") }, ["my_builds"]);
    await registries.open("my_builds");
    expect(opened[0]?.name).toBe("my_builds");
    expect((await errorOf(() => registries.open("my-builds"))).code).toBe("BINDING_CONFIG_INVALID");
  });
});

describe("what is refused at start, naming the variable", () => {
  test.each<[string, string, RegExp]>([
    ["nothing", "", /it is not JSON/],
    ["what is not JSON", "service: fake", /it is not JSON/],
    ["a string", '"fake"', /The body must be|must be an object/],
    ["null", "null", /must be/],
    ["a list", "[]", /"service" is missing/],
    ["no service", '{"prefix":"x"}', /"service" is missing/],
    ["a service that is no string", '{"service":1}', /"service" must be a string/],
    ["an unknown service", '{"service":"ecr"}', /the test platform has no service "ecr"/],
    ["a service of JavaScript's", '{"service":"constructor"}', /no service "constructor"/],
    ["a missing field", '{"service":"fake"}', /"prefix" is missing/],
    ["an unknown field", '{"service":"fake","prefix":"x","Region":"y"}', /"Region" is not a field/],
    ["an empty field", '{"service":"fake","prefix":"x","region":""}', /"region" must not be empty/],
    ["a wrong type", '{"service":"fake","prefix":1}', /"prefix" must be a string/],
  ])("%s", async (_title, text, message) => {
    const error = await refusal({ ALIEN_GOOD_BINDING: bind("good"), ALIEN_IMAGES_BINDING: text });
    expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", context: { variable: "ALIEN_IMAGES_BINDING" } });
    expect(error.message).toMatch(/^ALIEN_IMAGES_BINDING: /);
    expect(error.message).toMatch(message);
    expect(error.hint).toBe('Expected JSON with "service": "fake" or "other".');
  });

  test.each([
    ["images", "images"],
    ["images", "images/eu"],
    ["images-eu", "images"],
  ])("prefixes that overlap: %s and %s", async (a, b) => {
    const error = await refusal({ ALIEN_ONE_BINDING: bind(a), ALIEN_TWO_BINDING: bind(b) });
    expect(error.code).toBe("BINDING_CONFIG_INVALID");
    expect(error.message).toMatch(/"one"/);
    expect(error.message).toMatch(/"two"/);
  });

  test("prefixes that only look alike are apart", () => {
    expect(() => directory({ ALIEN_ONE_BINDING: bind("images"), ALIEN_TWO_BINDING: bind("imageseu") })).not.toThrow();
  });

  test.each([
    "ALIEN_BINDING",
    "ALIEN__BINDING_X",
    "IMAGES_BINDING",
    "alien_images_binding",
    "ALIEN_IMAGES_BINDING_FILE",
    "ALIEN_IMAGES",
  ])("%s is no binding's variable, and not read", (variable) => {
    expect(() => directory({ [variable]: "not JSON" })).not.toThrow();
  });

  test("a name that is known but not bound is no mistake at start", () => {
    expect(() => directory({}, ["images"])).not.toThrow();
  });
});

describe("a registry that no variable binds", () => {
  const deriving: Platform = {
    ...platform,
    deriveBinding: (name, env) =>
      env.ALIEN_STACK_PREFIX === undefined
        ? undefined
        : { service: "fake", prefix: `${env.ALIEN_STACK_PREFIX}-${name}` },
  };
  const env = { ALIEN_STACK_PREFIX: "stack" };

  test("is derived from the stack's prefix, and the adapter is told so", async () => {
    const registries = createDirectory(deriving, env);
    await registries.open("images");
    expect(opened).toMatchObject([{ name: "images", derived: true, binding: { prefix: "stack-images" } }]);
  });

  test("is not known where there is no stack", async () => {
    const refused = await errorOf(() => createDirectory(deriving, {}).open("images"));
    expect(refused).toMatchObject({ code: "BINDING_NOT_CONFIGURED" });
  });

  test("a variable counts more than the stack", async () => {
    await createDirectory(deriving, { ...env, ALIEN_IMAGES_BINDING: bind("bound") }).open("images");
    expect(opened).toMatchObject([{ derived: false, binding: { prefix: "bound" } }]);
  });

  test("may not overlap with one that a variable binds, and harms no other when it would", async () => {
    const registries = createDirectory(deriving, { ...env, ALIEN_BUILDS_BINDING: bind("stack-images") });
    expect(await errorOf(() => registries.open("images"))).toMatchObject({ code: "BINDING_CONFIG_INVALID" });
    expect(await errorOf(() => registries.open("images-x"))).toMatchObject({ code: "BINDING_CONFIG_INVALID" });
    await registries.open("other");
    await registries.open("builds");
  });
});
