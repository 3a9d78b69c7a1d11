import { execFileSync } from "node:child_process";
import { tool } from "../../tools/tools.ts";
import type { Login } from "./files.ts";

/** A password file with bcrypt, the one form that distribution takes. */
export function htpasswd(users: readonly Login[]): string {
  const line = ({ username, password }: Login) =>
    execFileSync(tool("htpasswd"), ["-niB", username], { input: password, encoding: "utf8" }).trim();
  return `${users.map(line).join("\n")}\n`;
}
