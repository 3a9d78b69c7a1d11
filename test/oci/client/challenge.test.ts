import { expect, test } from "vitest";
import { parseChallenges } from "../../../oci/client/index.ts";

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

test.each<[string, (length: number) => string]>([
  ["of strings that are never closed", (length) => `Bearer ${'a="\\'.repeat(length)}`],
  ["of names", (length) => `${"a ".repeat(length)}=`],
])("a long hostile header %s is read in linear time", (_, header) => {
  // Processor time, which other processes of a busy machine have no part in. The shortest of some: the collector is not at work.
  const cost = (length: number) => {
    const text = header(length);
    const times = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage();
      parseChallenges(text);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    });
    return Math.min(...times);
  };
  cost(20_000);
  // Sixteen times the length would be 256 times the work, were it quadratic.
  expect(cost(320_000)).toBeLessThan(80 * Math.max(1_000, cost(20_000)));
});
