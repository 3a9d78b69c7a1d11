import { Secret } from "../../../core/secret.ts";
import type { AccountField, AccountFiles } from "../binding.ts";
import { type Account, dockerConfigAccount } from "./docker-config.ts";
import { readText, refused } from "./mounted-file.ts";

/** Secrets are swapped once in minutes; files that are never twice the same are no Secret. */
const readings = 20;

/**
 * Reads an account from its files. They are read anew each time: Kubernetes replaces what is mounted while the
 * function runs.
 *
 * @param host of the registry, to find its entry in a Docker configuration
 * @throws BINDING_CONFIG_INVALID for a file that is missing, empty or not understood; never with what it holds
 */
export async function readAccount(files: AccountFiles, field: AccountField, host: string): Promise<Account> {
  if ("dockerConfigFile" in files) {
    return dockerConfigAccount(await readText(files.dockerConfigFile, field), files.dockerConfigFile, field, host);
  }
  const { usernameFile, passwordFile } = files;
  const read = async () => [await readText(usernameFile, field), await readText(passwordFile, field)] as const;
  let [username, password] = await read();
  // A swap between the two files would pair an old name with a new password: two readings in a row must agree.
  for (let i = 1; ; i++) {
    const [again, andAgain] = await read();
    if (again === username && andAgain === password) break;
    if (i === readings) throw refused(field, passwordFile, "changes all the time");
    [username, password] = [again, andAgain];
  }
  if (username.includes(":")) throw refused(field, usernameFile, "holds a colon, which no user name may");
  return { username, password: new Secret(password) };
}
