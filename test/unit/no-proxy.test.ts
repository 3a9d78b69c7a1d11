import { expect, test } from "vitest";
import { isDirect } from "../../core/no-proxy.ts";

const cases: [noProxy: string, url: string, direct: boolean][] = [
  ["", "https://registry.example/", false],
  ["*", "https://registry.example/", true],
  ["registry.example", "https://registry.example/", true],
  ["REGISTRY.example", "https://registry.EXAMPLE/", true],
  ["example", "https://registry.example/", true],
  ["example", "https://registryexample/", false],
  [".example", "https://registry.example/", true],
  ["*.example", "https://registry.example/", true],
  [".registry.example", "https://registry.example/", false],
  ["other, registry.example", "https://registry.example/", true],
  ["other registry.example", "https://registry.example/", true],
  ["registry.example:443", "https://registry.example/", true],
  ["registry.example:443", "https://registry.example:5000/", false],
  ["registry.example:80", "http://registry.example/", true],
  [".svc,.cluster.local", "https://kubernetes.default.svc/", true],
  ["10.0.0.0/8", "https://10.96.0.1/", true],
  ["10.0.0.0/8", "https://11.96.0.1/", false],
  ["10.0.0.0/8", "https://10.example/", false],
  ["10.0.0.0/99", "https://10.96.0.1/", false],
  ["10.0.0.0/x", "https://10.96.0.1/", false],
  ["10.96.0.1", "https://10.96.0.1/", true],
  ["10.96.0.1:6443", "https://10.96.0.1:6443/", true],
  ["10.96.0.1:6443", "https://10.96.0.1/", false],
  ["10.96.0.1-10.96.0.9", "https://10.96.0.5/", true],
  ["10.96.0.1-10.96.0.9", "https://10.96.0.10/", false],
  ["fd00::/8", "https://[fd00::1]:6443/", true],
  ["fd00::1", "https://[fd00::1]/", true],
  ["[fd00::1]:6443", "https://[fd00::1]:6443/", true],
  ["[fd00::1]:6443", "https://[fd00::1]/", false],
  ["fd00::/8", "https://10.96.0.1/", false],
  ["::/0,,%", "https://registry.example/", false],
];
test.each(cases)("NO_PROXY %j, %s: %s", (noProxy, url, direct) => {
  expect(isDirect(new URL(url), noProxy)).toBe(direct);
});
