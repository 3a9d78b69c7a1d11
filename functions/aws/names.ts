import type { NameGrammar, NameSpace } from "../../core/names.ts";
import type { Place } from "./place.ts";

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

/** On the registry's own repository: the regions that may hold replicas with grants, in the form of `regionsTagValue`. */
export const regionsTagKey = "alien:artifact-registry:regions";

/** How AWS and its clients name the repositories of a registry, beside their names. */
type Forms = Required<Pick<NameSpace, "hosts" | "readResource">>;

/**
 * The hosts and ARNs of an account's private registry in its home region (Amazon ECR user guide, "Private registries" and
 * "Making requests to Amazon ECR registries"). A replica's are not among them: an id means home and all its replicas.
 *
 * @returns first of the hosts the one that `repositoryUri` has
 */
export function ecrForms(place: Place, account: string): Forms {
  const { region, dnsSuffix, dualStackDnsSuffix } = place;
  const dualStack = dualStackDnsSuffix.replace(/^api\./, "on.");
  const hosts = [
    `${account}.dkr.ecr.${region}.${dnsSuffix}`,
    `${account}.dkr.ecr-fips.${region}.${dnsSuffix}`,
    `${account}.dkr-ecr.${region}.${dualStack}`,
    `${account}.dkr-ecr-fips.${region}.${dualStack}`,
  ];
  return { hosts, readResource: arnReader(`arn:${place.partition}:ecr:${region}:${account}`) };
}

/** The ARNs of an account's public registry. Under its host stands an alias that only AWS knows, so no URI can be read. */
export function ecrPublicForms({ partition }: Place, account: string): Forms {
  return { hosts: [], readResource: arnReader(`arn:${partition}:ecr-public::${account}`) };
}

function arnReader(registry: string): (id: string) => string | undefined {
  const front = `${registry}:repository/`;
  return (id) => (id.startsWith(front) ? id.slice(front.length) : undefined);
}
