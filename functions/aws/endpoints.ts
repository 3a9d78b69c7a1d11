import { ArtifactRegistryError } from "../../core/errors.ts";
import type { EndpointSettings } from "./environment.ts";

/** A group of regions with names, hosts and accounts of its own. */
export interface Partition {
  /** As in ARNs: `aws`, `aws-cn`, `aws-us-gov`, … */
  readonly name: string;
  readonly dnsSuffix: string;
  /** Of the hosts of AWS's APIs that IPv6 reaches too, such as `api.aws`. */
  readonly dualStackDnsSuffix: string;
}

const standard: Partition = { name: "aws", dnsSuffix: "amazonaws.com", dualStackDnsSuffix: "api.aws" };

/** By what the names of their regions begin with. What the AWS SDK has in its own table, which test/aws/endpoints.test.ts reads. */
const partitions: Readonly<Record<string, Partition>> = {
  "cn-": { name: "aws-cn", dnsSuffix: "amazonaws.com.cn", dualStackDnsSuffix: "api.amazonwebservices.com.cn" },
  "us-gov-": { name: "aws-us-gov", dnsSuffix: "amazonaws.com", dualStackDnsSuffix: "api.aws" },
  "eusc-de-": { name: "aws-eusc", dnsSuffix: "amazonaws.eu", dualStackDnsSuffix: "api.amazonwebservices.eu" },
  "us-iso-": { name: "aws-iso", dnsSuffix: "c2s.ic.gov", dualStackDnsSuffix: "api.aws.ic.gov" },
  "us-isob-": { name: "aws-iso-b", dnsSuffix: "sc2s.sgov.gov", dualStackDnsSuffix: "api.aws.scloud" },
  "eu-isoe-": { name: "aws-iso-e", dnsSuffix: "cloud.adc-e.uk", dualStackDnsSuffix: "api.cloud-aws.adc-e.uk" },
  "us-isof-": { name: "aws-iso-f", dnsSuffix: "csp.hci.ic.gov", dualStackDnsSuffix: "api.aws.hci.ic.gov" },
};

/** The partition of a region. A region that nobody knows yet is taken for one of `aws`, as the SDK takes it. */
export function partitionOf(region: string): Partition {
  const prefix = Object.keys(partitions).find((each) => region.startsWith(each));
  return (prefix !== undefined && partitions[prefix]) || standard;
}

/** The services that are asked for credentials. */
export type CredentialService = "sts" | "ecr" | "ecr-public";

/**
 * Where a service is asked: what the SDK's rules of endpoints say, which test/aws/endpoints.test.ts asks for every region.
 *
 * @throws BINDING_CONFIG_INVALID for a combination that those rules refuse
 *
 * @example
 * endpointOf("ecr", "eu-west-1", { useFips: false, useDualStack: false }); // "https://api.ecr.eu-west-1.amazonaws.com"
 */
export function endpointOf(service: CredentialService, region: string, settings: EndpointSettings): string {
  const { endpoint, useFips, useDualStack } = settings;
  if (endpoint !== undefined) {
    if (useFips || useDualStack) throw refused(useFips ? "AWS_USE_FIPS_ENDPOINT" : "AWS_USE_DUALSTACK_ENDPOINT");
    return endpoint;
  }
  const { name, dnsSuffix, dualStackDnsSuffix } = partitionOf(region);
  const suffix = useDualStack ? dualStackDnsSuffix : dnsSuffix;
  const host = (name: string) => `https://${name}.${region}.${suffix}`;
  switch (service) {
    case "sts":
      // GovCloud's one host is a FIPS one.
      return host(useFips && !(name === "aws-us-gov" && !useDualStack) ? "sts-fips" : "sts");
    case "ecr":
      return host(`${useDualStack ? "" : "api."}ecr${useFips ? "-fips" : ""}`);
    case "ecr-public":
      return host(`${useDualStack && !useFips && name === "aws" ? "" : "api."}ecr-public${useFips ? "-fips" : ""}`);
  }
}

function refused(variable: string): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `${variable} does not go with an endpoint of one's own.`, {
    hint: "Take one of the two out of the function's environment.",
  });
}
