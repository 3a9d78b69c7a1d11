import { expect, test } from "vitest";
import { parseChallenges } from "../../oci/client/index.ts";

const read = (header: string) => parseChallenges(header).map(({ scheme, params }) => [scheme, { ...params }]);

test.each([
  ["Basic", [["basic", {}]]],
  ['Basic realm="a b"', [["basic", { realm: "a b" }]]],
  [
    'Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push repository:c:pull"',
    [
      [
        "bearer",
        { realm: "https://auth.example/token", service: "reg", scope: "repository:a/b:pull,push repository:c:pull" },
      ],
    ],
  ],
  [
    'Basic realm="one", Bearer realm="https://two", service=plain',
    [
      ["basic", { realm: "one" }],
      ["bearer", { realm: "https://two", service: "plain" }],
    ],
  ],
  [
    'Negotiate YWJj==, Bearer  Realm = "x=y, Basic realm=\\"z\\"" , error="invalid_token"',
    [
      ["negotiate", {}],
      ["bearer", { realm: 'x=y, Basic realm="z"', error: "invalid_token" }],
    ],
  ],
  [
    'Negotiate, Basic realm="r"',
    [
      ["negotiate", {}],
      ["basic", { realm: "r" }],
    ],
  ],
  [',, Bearer realm="r",,scope=""', [["bearer", { realm: "r", scope: "" }]]],
  ['Bearer realm="never closed', [["bearer", {}]]],
  ['Bearer realm="first",realm="second"', [["bearer", { realm: "first" }]]],
  ["", []],
  ["=,=", []],
])("%s", (header, expected) => {
  expect(read(header)).toEqual(expected);
});

test("a parameter called __proto__ is a parameter", () => {
  const [challenge] = parseChallenges('Bearer __proto__="x", realm="r"');
  expect(Object.getPrototypeOf(challenge?.params)).toBeNull();
  expect(challenge?.params.realm).toBe("r");
});

test("a long hostile header is read in linear time", () => {
  const started = performance.now();
  parseChallenges(`Bearer ${'a="\\'.repeat(20_000)}`);
  parseChallenges(`${"a ".repeat(20_000)}=`);
  expect(performance.now() - started).toBeLessThan(2_000);
});
