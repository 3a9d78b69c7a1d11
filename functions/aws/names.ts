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

/** On the replica of the registry's own repository that we made: the home region. What carries it is no registry's own. */
export const replicaTagKey = "alien:artifact-registry:replica-of";

/** The account in an ARN. */
export function accountOf(arn: string): string {
  return arn.split(":")[4] ?? "";
}

/** How AWS and its clients name the repositories of a registry, beside their names. */
type Forms = Required<Pick<NameSpace, "hosts" | "readResource" | "tellForeign">>;

/** The account and the regions of a private registry, home first. */
export interface Whereabouts {
  readonly account: string;
  readonly regions: readonly string[];
}

/** The hosts of an account's private registry in one region (Amazon ECR user guide, "Making requests to Amazon ECR registries"). */
function hostsIn({ dnsSuffix, dualStackDnsSuffix }: Place, account: string, region: string) {
  const dualStackSuffix = dualStackDnsSuffix.replace(/^api\./, "on.");
  return {
    plain: `${account}.dkr.ecr.${region}.${dnsSuffix}`,
    fips: `${account}.dkr.ecr-fips.${region}.${dnsSuffix}`,
    dualStack: `${account}.dkr-ecr.${region}.${dualStackSuffix}`,
    dualStackFips: `${account}.dkr-ecr-fips.${region}.${dualStackSuffix}`,
  };
}

/** The host of an account's private registry in one region, as images are named here. */
export function registryHost(place: Place, account: string, region: string): string {
  return hostsIn(place, account, region)[place.dualStack ? "dualStack" : "plain"];
}

const hostForm = /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+\.?\//i;
const arnForm = /^arn:([\w-]+):(ecr|ecr-public):([a-z0-9-]*):(\d{12}):repository\//;

/** Whether a text names a repository by its host on Amazon ECR or by an ARN, whosever it is. */
export function hasForm(id: string): boolean {
  return hostForm.test(id) || arnForm.test(id);
}

/**
 * The hosts and ARNs of an account's private registry (Amazon ECR user guide, "Private registries"). A replica's are among them: an id means the repository at home and all of its replicas.
 */
export function ecrForms(place: Place, { account, regions }: Whereabouts): Forms {
  const hosts = regions.flatMap((region) => Object.values(hostsIn(place, account, region)));
  const arns = regions.map((region) => `arn:${place.partition}:ecr:${region}:${account}:repository/`);
  return {
    hosts,
    readResource: (id) => afterOneOf(arns, id),
    tellForeign(id) {
      const [, ofHost, regionOfHost] = hostForm.exec(id) ?? [];
      const [, , service, regionOfArn, ofArn] = arnForm.exec(id) ?? [];
      const [owner, region] = [ofHost ?? ofArn, regionOfHost ?? regionOfArn];
      if (owner === undefined || service === "ecr-public") return undefined;
      if (owner !== account) return `names a repository of the account ${owner}, and this registry is in ${account}`;
      if (region === undefined || regions.includes(region.toLowerCase())) return undefined;
      return `names a repository in ${region}, and this registry is in ${regions.join(", ")}`;
    },
  };
}

const publicForm = /^(?:public\.ecr\.aws|ecr-public\.aws\.com)\//i;

/** An account's public registry, as ECR Public describes it. */
export interface PublicWhereabouts {
  readonly account: string;
  /** What may stand between the host and the repository's name. The first one stands in URIs. */
  readonly aliases: readonly string[];
}

/** An alias and what follows it, in `{alias}/{name}` or in a URI. */
export function afterAlias(id: string): readonly [alias: string, path: string] | undefined {
  const [, alias, path] = /^([a-z0-9][a-z0-9-]*)\/(.+)$/s.exec(id.replace(publicForm, "")) ?? [];
  return alias === undefined || path === undefined ? undefined : [alias, path];
}

/** The ARNs of an account's public registry. Its URIs and paths are read by `afterAlias`. */
export function ecrPublicForms({ partition }: Place, { account, aliases = [] }: Partial<PublicWhereabouts>): Forms {
  const fronts = account === undefined ? [] : [`arn:${partition}:ecr-public::${account}:repository/`];
  return {
    hosts: [],
    readResource: (id) => afterOneOf(fronts, id),
    tellForeign(id) {
      const [, , service, , owner] = arnForm.exec(id) ?? [];
      if (account !== undefined && owner !== undefined && owner !== account && service === "ecr-public") {
        return `names a repository of the account ${owner}, and this registry is in ${account}`;
      }
      const [alias] = (publicForm.test(id) && afterAlias(id)) || [];
      if (alias === undefined || aliases.length === 0 || aliases.includes(alias)) return undefined;
      return `names a repository under the alias ${alias}, and this registry is under ${aliases.join(", ")}`;
    },
  };
}

function afterOneOf(fronts: readonly string[], id: string): string | undefined {
  const front = fronts.find((each) => id.startsWith(each));
  return front === undefined ? undefined : id.slice(front.length);
}
