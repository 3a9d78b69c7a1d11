import { randomBytes } from "node:crypto";
import { policyOf } from "./ecr/authorize.ts";
import { repositoryArn } from "./ecr/state.ts";
import { authorize } from "./identity/authorization.ts";
import { evaluate, type Verdict } from "./identity/oracle.ts";
import { servicePrincipal } from "./identity/principal.ts";
import type { World } from "./world.ts";

const PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const EVERYTHING = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});

/** Lambda, as it fetches a function's image out of another account. */
export interface Fetcher {
  /**
   * Why a function may not be made from an image of `account`, or undefined where it may: its account must be let in,
   * and so must the service on behalf of this function; and the image must be in the function's region.
   */
  refusal(
    functionArn: string,
    image: { readonly account: string; readonly repository: string },
  ): Promise<string | undefined>;
  /** Basic credentials of the service on behalf of this function, for the data plane of its region. */
  credentials(functionArn: string): { readonly username: "AWS"; readonly password: string };
}

export function lambdaPull(world: World): Fetcher {
  return {
    async refusal(functionArn, { account, repository: name }) {
      const [, partition, , region = "", consumer = ""] = functionArn.split(":");
      const registry = world.registry(account, region);
      const repository = registry.repositories.get(name);
      if (repository === undefined) return `There is no repository ${name} of ${account} in ${region}.`;
      if (world.directory.standing.isAbsent(consumer, region)) return `The account ${consumer} is not in ${region}.`;
      const resourcePolicy = policyOf(world, repository);
      const resource = repositoryArn(registry, name);
      for (const action of PULL) {
        const asked = { action, resource, resourceAccount: account, region, resourcePolicy };
        const deployer = {
          arn: `arn:${partition}:sts::${consumer}:assumed-role/deployer/deploy`,
          identityPolicies: [EVERYTHING],
        };
        const byAccount: Verdict = await evaluate(deployer, {
          ...{ action, resource, resourceAccount: account },
          context: {
            "aws:PrincipalArn": `arn:${partition}:iam::${consumer}:role/deployer`,
            "aws:PrincipalAccount": consumer,
            "aws:PrincipalType": "AssumedRole",
          },
          ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
        });
        if (byAccount !== "Allowed") return `The account ${consumer} may not ${action}.`;
        const service = await authorize(world.directory, servicePrincipal("lambda.amazonaws.com", functionArn), asked);
        if (service.verdict !== "Allowed") return `lambda.amazonaws.com may not ${action} for ${functionArn}.`;
      }
      return undefined;
    },
    credentials(functionArn) {
      const password = `emulator-token-${randomBytes(24).toString("base64url")}`;
      world.tokens.set(password, {
        principal: servicePrincipal("lambda.amazonaws.com", functionArn),
        service: "ecr",
        region: functionArn.split(":")[3] ?? "",
        expiresAt: new Date(world.clock().getTime() + 60 * 60 * 1000),
      });
      return { username: "AWS", password };
    },
  };
}
