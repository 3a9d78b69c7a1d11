/**
 * Prints a token for a registry that runs alone:
 *
 *     node oci/token/mint.ts <key file> <seconds> <scope> [<scope> …]
 *     node oci/token/mint.ts .data/token.key 3600 repository:team/app:pull,push
 *
 * The token is the password of the user `token`. REGISTRY_SERVICE names the service if it is not `registry`.
 */
import { loadTokenKey } from "./key.ts";
import { parseScope } from "./scope.ts";
import { mintToken } from "./token.ts";

const [file, ttl, ...scopes] = process.argv.slice(2);
const access = parseScope(scopes.join(" "));
if (file === undefined || !(Number(ttl) > 0) || access.length !== scopes.length) {
  console.error("usage: node oci/token/mint.ts <key file> <seconds> <scope> [<scope> …]");
  process.exit(1);
}
console.log(
  mintToken(await loadTokenKey(file), {
    subject: "operator",
    access,
    audience: process.env.REGISTRY_SERVICE ?? "registry",
    expiresAt: new Date(Date.now() + Number(ttl) * 1000),
  }),
);
