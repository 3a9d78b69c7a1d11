import { execFile } from "node:child_process";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tool } from "../tools/tools.ts";

const TIME_LIMIT_MS = 600_000;

export type Account = { readonly username: string; readonly password: string } | undefined;
export type Outcome = { readonly ok: boolean; readonly output: string };

/** One real client: copies between a layout folder and a registry, as its users would. */
export type Client = {
  readonly name: string;
  push(layout: string, tag: string, reference: string, account: Account): Promise<Outcome>;
  pull(reference: string, layout: string, tag: string, account: Account): Promise<Outcome>;
};

/** `home` holds one folder of configuration for each account. */
export function clients(home: string, registry: string): Client[] {
  const config = (account: Account) => configure(home, registry, account);
  return [
    {
      name: "skopeo",
      push: async (layout, tag, reference, account) =>
        run("skopeo", [
          ...["--insecure-policy", "copy", "--all", "--preserve-digests", "--dest-tls-verify=false"],
          ...["--dest-authfile", join(await config(account), "config.json")],
          ...[`oci:${layout}:${tag}`, `docker://${reference}`],
        ]),
      pull: async (reference, layout, tag, account) =>
        run("skopeo", [
          ...["--insecure-policy", "copy", "--all", "--preserve-digests", "--src-tls-verify=false"],
          ...["--src-authfile", join(await config(account), "config.json")],
          ...[`docker://${reference}`, `oci:${layout}:${tag}`],
        ]),
    },
    {
      name: "crane",
      push: async (layout, _tag, reference, account) =>
        run("crane", ["push", layout, reference], { DOCKER_CONFIG: await config(account) }),
      pull: async (reference, layout, _tag, account) =>
        run("crane", ["pull", "--format=oci", reference, layout], { DOCKER_CONFIG: await config(account) }),
    },
    {
      name: "regctl",
      push: async (layout, tag, reference, account) =>
        regctl(registry, `ocidir://${layout}:${tag}`, reference, await config(account)),
      pull: async (reference, layout, tag, account) =>
        regctl(registry, reference, `ocidir://${layout}:${tag}`, await config(account)),
    },
  ];
}

function regctl(registry: string, from: string, to: string, folder: string): Promise<Outcome> {
  const env = { DOCKER_CONFIG: folder, REGCTL_CONFIG: join(folder, "regctl.json") };
  return run("regctl", ["image", "copy", "--host", `reg=${registry},tls=disabled`, from, to], env);
}

/** A folder with the credentials in Docker's form, which all three read: none of them meets a command line. */
async function configure(home: string, registry: string, account: Account): Promise<string> {
  await mkdir(home, { recursive: true });
  const folder = await mkdtemp(join(home, "account-"));
  const auth = account && Buffer.from(`${account.username}:${account.password}`).toString("base64");
  const content = { auths: auth === undefined ? {} : { [registry]: { auth } } };
  await writeFile(join(folder, "config.json"), JSON.stringify(content), { mode: 0o600 });
  return folder;
}

function run(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, timeout: TIME_LIMIT_MS };
    const child = execFile(tool(name), args, options, (error, stdout, stderr) => {
      // A client that was killed, or never started, says nothing about the registry.
      if (error !== null && typeof error.code !== "number") return reject(error);
      resolve({ ok: error === null, output: `${stdout}${stderr}` });
    });
    child.stdin?.end();
  });
}
