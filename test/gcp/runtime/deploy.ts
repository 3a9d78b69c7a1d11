import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleOf } from "../../support/bundle.ts";

/** The bundle as the platform has it once it is deployed. */
export interface Deployment {
  readonly folder: string;
  remove(): void;
}

/**
 * Builds dist/gcp, takes it to a folder where nothing of this repository is to be found, and installs there what its
 * package.json asks for, as the platform's buildpack does.
 */
export function deploy(): Deployment {
  const bundle = bundleOf("gcp");
  bundle.build();
  const folder = mkdtempSync(join(tmpdir(), "dist-gcp-"));
  cpSync(bundle.dir, folder, { recursive: true });
  const options = ["--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  execFileSync("npm", ["ci", ...options], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
