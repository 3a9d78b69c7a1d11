import { bundleFunction } from "./function.ts";

/** What is zipped for Lambda: the handler is `index.handler`. */
export function bundleAws(): Promise<void> {
  return bundleFunction({
    outdir: "dist/aws",
    entryPoint: "functions/aws/handler.ts",
    packageJson: { type: "commonjs" },
  });
}
