import { describe, expect, test } from "vitest";
import { Roles } from "../emulators/gcp/iam/roles.ts";
import { denyPolicy } from "./support/gcp-deny-policy.ts";
import { rolePermissions } from "./support/gcp-roles.ts";
import { read, readAll } from "./support/module.ts";

/** What Google's own pages say, copied by hand: a judge beside the emulator, which could know what Google does not. */
interface Table {
  readonly permissions: Readonly<Record<string, Source>>;
  readonly roles: Readonly<Record<string, Source & { readonly permissions: readonly string[] }>>;
  /** What a deny policy may name. */
  readonly denyPermissions: Readonly<Record<string, Source>>;
}

interface Source {
  readonly page: string;
  /** The day on which the page was read. */
  readonly read: string;
}

const table: Table = JSON.parse(read("test/infra/gcp-permissions.json"));
const named = (pattern: RegExp, ...texts: readonly string[]) =>
  [...new Set(texts.flatMap((text) => text.match(pattern) ?? []))].sort();
const texts = [".tf", ".json", ".md"].flatMap((end) => readAll("infra/gcp", end));

describe("the table of what infra/gcp names has", () => {
  test("every permission, and no other", () => {
    expect(Object.keys(table.permissions).sort()).toEqual([...new Set(Object.values(rolePermissions).flat())].sort());
  });

  test("every predefined role, and no other", () => {
    expect(Object.keys(table.roles).sort()).toEqual(named(/\broles\/[a-z]+\.(?!json\b)[A-Za-z]+\b/g, ...texts));
  });

  test("every permission that the deny policy in docs/security.md denies, and no other", () => {
    const denied = denyPolicy().rules.flatMap(({ denyRule }) => denyRule.deniedPermissions);
    expect(Object.keys(table.denyPermissions).sort()).toEqual([...new Set(denied)].sort());
  });

  const sources = [table.permissions, table.roles, table.denyPermissions].flatMap((part) => Object.entries(part));
  test.each(sources)("for %s a page of Google's, and the day on which it was read", (name, { page, read: day }) => {
    const [, service] = /^(?:roles\/)?([a-z]+)\./.exec(name) ?? [];
    const pages = [`/iam/docs/roles-permissions/${service}`, "/iam/docs/deny-permissions-support"];
    const url = new URL(page);
    expect(url.origin).toBe("https://docs.cloud.google.com");
    expect(pages).toContain(url.pathname);
    expect(day).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(new Date(day).getTime()).toBeLessThanOrEqual(Date.now());
  });
});

test.each(Object.entries(table.roles))(
  "the emulator gives %s nothing that Google does not",
  (role, { permissions }) => {
    const known = new Roles().permissionsOf(role).filter((permission) => !permissions.includes(permission));
    expect(known).toEqual([]);
  },
);
