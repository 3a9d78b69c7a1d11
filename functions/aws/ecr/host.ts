import type { Place } from "../place.ts";

/** Host of an account's private registry (Amazon ECR user guide, "Private registries"). */
export function registryHost({ region, dnsSuffix }: Place, account: string): string {
  return `${account}.dkr.ecr.${region}.${dnsSuffix}`;
}
