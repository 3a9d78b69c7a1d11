/** A node of the code, as Babel hands it to Stryker. */
interface NodePath {
  isStringLiteral(): boolean;
  isTemplateLiteral(): boolean;
  toString(): string;
}

const sentence = /[\p{L}\d"'*,.:)}] [\p{L}\d"'*(${]/u;

/**
 * What Stryker leaves as it is: texts of two words or more, which people read. No test holds messages to the letter. Names,
 * patterns, issuers and codes are one word, and are mutated.
 *
 * @returns why the node is not mutated, or undefined where it is
 */
function shouldIgnore(path: NodePath): string | undefined {
  const isText = path.isStringLiteral() || path.isTemplateLiteral();
  return isText && sentence.test(path.toString()) ? "a text for people" : undefined;
}

export const strykerPlugins = [{ kind: "Ignore", name: "texts", value: { shouldIgnore } }];
