import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A Secret as the kubelet mounts it: files behind the link `..data`, which is swapped as a whole. */
export interface MountedSecret {
  path(key: string): string;
  replace(data: Readonly<Record<string, string>>): Promise<void>;
  remove(): Promise<void>;
}

export async function mountSecret(data: Readonly<Record<string, string>>): Promise<MountedSecret> {
  const folder = await mkdtemp(join(tmpdir(), "mounted-secret-"));
  let version = 0;
  const linked = new Set<string>();
  const replace = async (next: Readonly<Record<string, string>>) => {
    const target = `..${++version}`;
    await mkdir(join(folder, target));
    for (const [key, value] of Object.entries(next)) {
      await writeFile(join(folder, target, key), value);
      if (!linked.has(key)) await symlink(join("..data", key), join(folder, key));
      linked.add(key);
    }
    await symlink(target, join(folder, "..data_tmp"));
    await rename(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  await replace(data);
  return {
    path: (key) => join(folder, key),
    replace,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** As HTTP's `Authorization`. */
export function basicOf({ username, password }: Login): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** The accounts of a binding as mounted files, each a `kubernetes.io/basic-auth` Secret. */
export async function mountAccounts<Field extends string>(accounts: Readonly<Record<Field, Login>>) {
  const entries = await Promise.all(
    Object.entries<Login>(accounts).map(async ([field, login]) => [field, await mountSecret({ ...login })] as const),
  );
  const secrets = Object.fromEntries(entries) as Record<Field, MountedSecret>;
  const files = Object.fromEntries(
    entries.map(([field, secret]) => [
      field,
      { usernameFile: secret.path("username"), passwordFile: secret.path("password") },
    ]),
  ) as Record<Field, { usernameFile: string; passwordFile: string }>;
  return {
    secrets,
    /** To be spread into a binding. */
    files,
    async remove() {
      for (const [, secret] of entries) await secret.remove();
    },
  };
}
