/**
 * Imports a part of this package that no bundler shall add to a program, so it must be installed where the program runs. The
 * comments are for webpack, esbuild and Vite. The build of the package keeps this file as it is, since a minifier drops comments.
 *
 * @param name a part of the package, such as `artifact-registry-functions/direct`
 */
export const importUnbundled = (name: string): Promise<unknown> =>
  import(/* webpackIgnore: true */ /* @vite-ignore */ name);
