import { describe, expect, test } from "vitest";
import { Roles } from "../emulators/gcp/iam/roles.ts";
import { denyPolicy } from "./support/gcp-deny-policy.ts";
import { rolePermissions } from "./support/gcp-roles.ts";
import { read, readAll } from "./support/module.ts";

/** What Google's own pages say, copied by hand: a judge beside the emulator, which could know what Google does not. */
interface Table {
  readonly permissions: Readonly<Record<string, Source>>;
  readonly roles: Readonly<Record<string, Role>>;
  /** The roles of whoever applies the module. Of their permissions only those that the module's resources need. */
  readonly applierRoles: Readonly<Record<string, Role>>;
  /** What a deny policy may name. */
  readonly denyPermissions: Readonly<Record<string, Source>>;
}

interface Role extends Source {
  readonly permissions: readonly string[];
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
    const known = [...Object.keys(table.roles), ...Object.keys(table.applierRoles)];
    expect(known.sort()).toEqual(named(/\broles\/[a-z]+\.(?!json\b)[A-Za-z]+\b/g, ...texts));
  });

  test("every permission that the deny policy in docs/security.md denies, and no other", () => {
    const denied = denyPolicy().rules.flatMap(({ denyRule }) => denyRule.deniedPermissions);
    expect(Object.keys(table.denyPermissions).sort()).toEqual([...new Set(denied)].sort());
  });

  const sources = [table.permissions, table.roles, table.applierRoles, table.denyPermissions].flatMap((part) =>
    Object.entries(part),
  );
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

const iamSuffix = /_iam_(member|binding)$/;

describe("the README's table of who applies the module has", () => {
  const section = /\n## Who applies it\n([\s\S]*?)\n## /.exec(read("infra/gcp/README.md"))?.[1] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `roles/"));
  const types = readAll("infra/gcp", ".tf").flatMap((text) =>
    [...text.matchAll(/^resource "(google_\w+)"/gm)].map(([, type = ""]) => type),
  );

  /** Most members and bindings are named by the resource whose policy they are in: "and its IAM members". */
  const rowOf = (type: string) => {
    const [, kind] = iamSuffix.exec(type) ?? [];
    const owner = type.replace(iamSuffix, "");
    return rows.find(
      (row) =>
        row.includes(`\`${type}\``) ||
        (kind !== undefined && row.includes(`\`${owner}\``) && new RegExp(`IAM ${kind}s?\\b`).test(row)),
    );
  };

  test("every role of theirs, and no other", () => {
    const roles = rows.map((row) => /roles\/[\w.]+/.exec(row)?.[0]).sort();
    expect(roles).toEqual(Object.keys(table.applierRoles).sort());
  });

  test("every type of resource that the module and its example make, and no other", () => {
    const missing = [...new Set(types)].filter((type) => rowOf(type) === undefined);
    expect(missing).toEqual([]);
    expect(named(/(?<=`)google_\w+(?=`)/g, ...rows).filter((type) => !types.includes(type))).toEqual([]);
  });

  // `google_cloud_run_v2_service_iam_binding` needs the right to write the policies of services.
  test.each([...new Set(types)].filter((type) => iamSuffix.test(type)))(
    "for %s a role that writes policies",
    (type) => {
      const role = /roles\/[\w.]+/.exec(rowOf(type) ?? "")?.[0] ?? "";
      expect(table.applierRoles[role]?.permissions).toContainEqual(expect.stringMatching(/\.setIamPolicy$/));
    },
  );
});

test.each(Object.entries(table.roles))(
  "the emulator gives %s nothing that Google does not",
  (role, { permissions }) => {
    const known = new Roles().permissionsOf(role).filter((permission) => !permissions.includes(permission));
    expect(known).toEqual([]);
  },
);
