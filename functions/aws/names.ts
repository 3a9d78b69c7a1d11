import type { NameGrammar } from "../../core/names.ts";

const part = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";

/** Repository names of private ECR (API reference, CreateRepository): 2 to 256 characters; the prefix makes two sure. */
export const ecrGrammar: NameGrammar = {
  pattern: new RegExp(`^${part}(?:/${part})*$`),
  maxLength: 256,
  nested: true,
};

const publicPart = "[a-z0-9]+(?:[._-][a-z0-9]+)*";

/** Repository names of ECR Public: 2 to 205 characters, single separators only. */
export const ecrPublicGrammar: NameGrammar = {
  pattern: new RegExp(`^${publicPart}(?:/${publicPart})*$`),
  maxLength: 205,
  nested: true,
};

/** The tag on everything that this suite makes for a registry; its value is the registry's prefix. */
export const ownershipTagKey = "alien:artifact-registry";

/** On the registry's own repository: the regions that may hold replicas with grants, separated by spaces. */
export const regionsTagKey = "alien:artifact-registry:regions";
