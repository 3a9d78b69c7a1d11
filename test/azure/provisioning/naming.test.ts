import fc from "fast-check";
import * as v from "valibot";
import { expect, test } from "vitest";
import { acrBinding } from "../../../functions/azure/binding.ts";
import { platform } from "../../../functions/azure/index.ts";
import { derivedRegistryName } from "../../../functions/azure/names.ts";
import { resourceManager } from "../../../functions/azure/place.ts";
import { assignmentName, requiredRoles } from "../../../functions/azure/provisioning/roles.ts";

const subscription = "00000000-0000-4000-8000-000000000001";
const stackPrefix = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}[a-z0-9]$/).filter((text) => !text.includes("--"));
const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const place = fc.record({
  subscription: fc.uuid(),
  resourceGroup: fc.stringMatching(/^[a-z0-9-]{1,20}$/),
  stackPrefix,
  name,
});
const env = { ALIEN_AZURE_RESOURCE_GROUP: "registries", AZURE_SUBSCRIPTION_ID: subscription };

test("every name is one that Azure takes, and two registries never have the same", () => {
  fc.assert(
    fc.property(place, place, (one, other) => {
      const [mine, theirs] = [derivedRegistryName(one), derivedRegistryName(other)];
      expect(mine).toMatch(/^[a-z0-9]{20,50}$/);
      expect(mine === theirs).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
  );
});

test.each([
  [
    { stackPrefix: "ab", name: "cdef" },
    { stackPrefix: "abc", name: "def" },
  ],
  [
    { stackPrefix: "a-b", name: "c" },
    { stackPrefix: "a", name: "b-c" },
  ],
  [
    { stackPrefix: "shop", name: "prj_ABC" },
    { stackPrefix: "shop", name: "prj_abc" },
  ],
  [
    { stackPrefix: "shop", name: "my-images" },
    { stackPrefix: "shop", name: "my_images" },
  ],
])("what would be written alike is told apart: %j and %j", (one, other) => {
  const at = { subscription, resourceGroup: "registries" };
  expect(derivedRegistryName({ ...at, ...one })).not.toBe(derivedRegistryName({ ...at, ...other }));
});

test("the case in which a subscription and a group are written means nothing", () => {
  const lower = {
    subscription: subscription.toLowerCase(),
    resourceGroup: "registries",
    stackPrefix: "shop",
    name: "x",
  };
  const upper = { ...lower, subscription: subscription.toUpperCase(), resourceGroup: "Registries" };
  expect(derivedRegistryName(upper)).toBe(derivedRegistryName(lower));
});

test("a derived binding is a legal one, and the same each time", () => {
  fc.assert(
    fc.property(stackPrefix, name, (ALIEN_STACK_PREFIX, registry) => {
      const derive = () => platform.deriveBinding?.(registry, { ...env, ALIEN_STACK_PREFIX });
      const binding = derive();
      expect(v.safeParse(acrBinding, binding).success).toBe(true);
      expect(derive()).toEqual(binding);
      expect(binding?.repositoryPrefix).toMatch(new RegExp(`^${ALIEN_STACK_PREFIX}-`));
    }),
  );
});

test("without a stack nothing is derived", () => {
  expect(platform.deriveBinding?.("images", env)).toBeUndefined();
});

test("the name of an assignment is a GUID, and another for another identity, role or registry", () => {
  const wanted = requiredRoles(["a", "b"], "LegacyRegistryPermissions", {});
  const names = ["/one", "/two"].flatMap((scope) => wanted.map((role) => assignmentName(scope, role)));
  expect(new Set(names).size).toBe(12);
  for (const each of names)
    expect(each).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const [first] = wanted;
  if (first) expect(assignmentName("/ONE", first)).toBe(assignmentName("/one", first));
});

test.each([
  ["westeurope", "https://management.azure.com"],
  ["China North 2", "https://management.chinacloudapi.cn"],
  ["usgovvirginia", "https://management.usgovcloudapi.net"],
  ["US DoD East", "https://management.usgovcloudapi.net"],
])("the location %s tells the cloud, where no login server does", (ALIEN_AZURE_LOCATION, url) => {
  expect(resourceManager(undefined, { ALIEN_AZURE_LOCATION }).url).toBe(url);
  expect(resourceManager("a.azurecr.cn", { ALIEN_AZURE_LOCATION }).url).toBe("https://management.chinacloudapi.cn");
});
