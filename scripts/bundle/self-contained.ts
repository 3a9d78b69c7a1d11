import { build, type Plugin } from "esbuild";

/**
 * Bundles these packages by themselves, with only what they use of others. Where files are split, esbuild puts everything
 * that one package's entry point leads to into the chunk of whoever imports it: the signer of AWS's requests would bring most of
 * the SDK along.
 *
 * @param packages what they use beside their own is in the bundle a second time, where somebody else uses it too
 */
export function selfContained(packages: readonly string[]): Plugin {
  const filter = new RegExp(`^(?:${packages.map((name) => name.replace(/[/.]/g, "\\$&")).join("|")})$`);
  return {
    name: "self-contained",
    setup({ onResolve, onLoad, initialOptions }) {
      const { platform, target, mainFields } = initialOptions;
      const same = { ...(platform && { platform }), ...(target && { target }), ...(mainFields && { mainFields }) };
      // Other packages take theirs as it is.
      onResolve({ filter }, ({ path, importer, resolveDir }) =>
        importer.includes("node_modules")
          ? undefined
          : { path, namespace: "self-contained", pluginData: { resolveDir } },
      );
      onLoad({ filter, namespace: "self-contained" }, async ({ path, pluginData: { resolveDir } }) => {
        const stdin = { contents: `export * from ${JSON.stringify(path)}`, resolveDir };
        const { outputFiles } = await build({ ...same, stdin, bundle: true, format: "esm", write: false });
        return { contents: outputFiles[0]?.text ?? "", resolveDir };
      });
    },
  };
}
