import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../e2e/ports.ts";
import { tool } from "../../tools/tools.ts";
import { answering } from "./distribution.ts";
import type { Login } from "./files.ts";
import { htpasswd } from "./htpasswd.ts";

/** Who may do what below a prefix. */
export interface FolderRights {
  readonly prefix: string;
  readonly pull: readonly string[];
  readonly push: readonly string[];
}

export interface ProxyOptions {
  readonly upstream: string;
  readonly users: readonly Login[];
  /** The one that may do everything, deletion too. */
  readonly owner: string;
  readonly folders: readonly FolderRights[];
}

/** Modules are files in Debian; what is built in is not there, and needs no line. */
const modules = [
  "mpm_event",
  "authn_core",
  "authn_file",
  "authz_core",
  "authz_user",
  "auth_basic",
  "proxy",
  "proxy_http",
  "rewrite",
];

/**
 * Apache in front of a registry, as the distribution project's recipe has it: who pulls, who pushes and who deletes is
 * told apart by method and path. Mounts are refused, since their source is in the query, where no path rule looks.
 */
export async function startApache({ upstream, users, owner, folders }: ProxyOptions) {
  const folder = await mkdtemp(join(tmpdir(), "external-apache-"));
  const [port = 0] = await freePorts(1);
  await writeFile(join(folder, "users"), htpasswd(users));
  await writeFile(
    join(folder, "httpd.conf"),
    `
ServerRoot ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${folder}/httpd.pid
ErrorLog ${folder}/error.log
${modules
  .map((name) => [name, `/usr/lib/apache2/modules/mod_${name}.so`] as const)
  .filter(([, file]) => existsSync(file))
  .map(([name, file]) => `LoadModule ${name}_module ${file}`)
  .join("\n")}
AllowEncodedSlashes NoDecode
ProxyPreserveHost On
ProxyPass /v2/ ${upstream}/v2/
RewriteEngine On
RewriteCond %{QUERY_STRING} (^|&)from= [NC]
RewriteRule ^/v2/ - [F]
<Location "/">
  AuthType Basic
  AuthName registry
  AuthUserFile ${folder}/users
  Require user ${owner}
</Location>
<LocationMatch "^/v2/$">
  Require valid-user
</LocationMatch>
${folders.map((each) => rightsOf(each, owner)).join("\n")}
`,
  );
  const child = spawn(tool("apache2"), ["-f", join(folder, "httpd.conf"), "-DFOREGROUND"], { stdio: "ignore" });
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await answering(`${url}/v2/`, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

function rightsOf({ prefix, pull, push }: FolderRights, owner: string): string {
  return `<LocationMatch "^/v2/${prefix}/">
  <RequireAny>
    Require user ${owner}
    <RequireAll>
      Require method GET HEAD
      Require user ${[...pull, ...push].join(" ")}
    </RequireAll>
    <RequireAll>
      Require method POST PUT PATCH
      Require user ${push.join(" ")}
    </RequireAll>
  </RequireAny>
</LocationMatch>`;
}
