import fc from "fast-check";
import { expect, test } from "vitest";
import { createPlatformCaller } from "../../../functions/azure/doors/platform-caller.ts";
import { type Claim, tenant } from "./golden.ts";

const role = "ArtifactRegistry.Caller";
const env = { ALIEN_PLATFORM_TENANTS: tenant, WEBSITE_AUTH_ENABLED: "true" };
const findCaller = await createPlatformCaller(env, role);
const find = (header: string) => findCaller(new Headers({ "x-ms-client-principal": header })).catch(() => undefined);
const encoded = (claims: readonly Claim[]) =>
  Buffer.from(JSON.stringify({ auth_typ: "aad", claims })).toString("base64");

const long = "http://schemas.microsoft.com/identity/claims";
const ids = ["aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "99999999-8888-4777-8666-555555555555"];
const claim = fc.oneof(
  fc.record({
    typ: fc.constantFrom("tid", `${long}/tenantid`),
    val: fc.constantFrom(tenant, tenant, tenant, "*", ids[0]),
  }),
  fc.record({
    typ: fc.constantFrom("oid", `${long}/objectidentifier`, "azp", "appid"),
    val: fc.constantFrom(...ids, ""),
  }),
  fc.record({ typ: fc.constantFrom("roles", "scp"), val: fc.constantFrom(role, role.toLowerCase(), "Other") }),
  fc.record({ typ: fc.string(), val: fc.string() }),
) as fc.Arbitrary<Claim>;
const valuesOf = (claims: readonly Claim[], ...types: string[]) => [
  ...new Set(claims.filter(({ typ }) => types.includes(typ)).map(({ val }) => val)),
];

test("a caller has one tenant, which is named, one id, and the role; whoever has these is a caller", async () => {
  let found = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(claim, { maxLength: 8 }), async (claims) => {
      const objects = valuesOf(claims, "oid", `${long}/objectidentifier`);
      const [subject, ...others] = objects.length > 0 ? objects : valuesOf(claims, "azp", "appid");
      const isOne = subject !== undefined && subject !== "" && others.length === 0;
      const tenants = valuesOf(claims, "tid", `${long}/tenantid`);
      const isCaller =
        isOne && tenants.length === 1 && tenants[0] === tenant && valuesOf(claims, "roles").includes(role);
      if (isCaller) found++;
      const expected = isCaller ? { issuer: "azure", subject: `${tenant}/${subject}` } : undefined;
      expect(await find(encoded(claims))).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
  // Else the property would have said nothing of those who are let in.
  expect(found).toBeGreaterThan(20);
});

test("what order claims are in tells nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(claim, { maxLength: 8 }), async (claims) => {
      expect(await find(encoded(claims.toReversed()))).toEqual(await find(encoded(claims)));
    }),
  );
});

test("whatever else is sent is nobody, and throws nothing else", async () => {
  const anything = fc.oneof(
    fc.string({ unit: "grapheme-ascii" }).map((text) => text.replaceAll(/[\r\n\0]/g, "")),
    fc.json().map((text) => Buffer.from(text).toString("base64")),
  );
  await fc.assert(
    fc.asyncProperty(anything, async (header) => {
      expect(await find(header)).toBeUndefined();
    }),
  );
});
