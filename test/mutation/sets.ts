/** Code that is changed together, and the tests that answer for it. */
export interface MutationSet {
  /** What is changed: Stryker's patterns, without a comma. */
  readonly mutate: readonly string[];
  /** Patterns of quick ones, so that each change meets all that reach it. */
  readonly tests: readonly string[];
  /** Patterns of slower ones, for the changes that the quick ones do not notice. */
  readonly slower?: readonly string[];
  /** What the tests' process finds in its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export const sets: readonly MutationSet[] = [
  // Who may do what.
  {
    mutate: [
      "core/rules.ts",
      "core/rule-meaning.ts",
      "core/rules-source.ts",
      "core/doors.ts",
      "core/oidc.ts",
      "core/oidc-issuers.ts",
      "core/operations.ts",
      "core/operation.ts",
      "core/credential-cache.ts",
      "core/lru-map.ts",
      "core/budget.ts",
      "oci/token/*.ts",
      "!oci/token/mint.ts",
      "oci/registry/auth/*.ts",
    ],
    tests: ["test/unit/*.test.ts", "test/oci/{auth,authorize,key-file,token,scope,revocation}.test.ts"],
  },
  // Who may pull on AWS, whatever happens meanwhile.
  {
    mutate: [
      "functions/aws/ecr/access.ts",
      "functions/aws/ecr/granting.ts",
      "functions/aws/ecr/policies.ts",
      "functions/aws/ecr/refused.ts",
      "functions/aws/ecr/regions.ts",
      "functions/aws/ecr/settling.ts",
      "functions/aws/lease/*.ts",
    ],
    tests: ["test/aws/lease/*.test.ts", "test/aws/ecr/regions.test.ts", "test/aws/ecr/model.e2e.ts"],
    slower: ["test/aws/ecr/*.test.ts"],
    env: { MODEL_RUNS: "15" },
  },
];
