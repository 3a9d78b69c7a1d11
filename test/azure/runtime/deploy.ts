import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleOf } from "../../support/bundle.ts";

/** The bundle as the platform has it once it is deployed. */
export interface Deployment {
  readonly folder: string;
  remove(): void;
}

/** Builds dist/azure, and takes it to a folder where nothing of this repository is to be found. Nothing is installed. */
export function deploy(): Deployment {
  const bundle = bundleOf("azure");
  bundle.build();
  const folder = mkdtempSync(join(tmpdir(), "dist-azure-"));
  cpSync(bundle.dir, folder, { recursive: true });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
