import type { Capabilities } from "../../../core/schemas.ts";
import type { Place } from "../place.ts";
import { sessionSeconds } from "../session.ts";

const openToAll = {
  reason: "Anybody may pull from a public repository: there is no access to grant, to revoke or to list.",
  hint: "Keep what only some accounts may pull in a private registry: bind one with the service ecr.",
};

const madeOutside = {
  reason: "The roles of a public registry are not made at run time.",
  hint: "Make them with the module in infra/aws, and bind their ARNs as pullRoleArn and pushRoleArn.",
};

export function ecrPublicCapabilities({ onLambda }: Place): Capabilities {
  return {
    credentials: {
      authMethod: "basic",
      scope: "repository",
      ttlSeconds: {
        min: sessionSeconds.min,
        max: onLambda ? sessionSeconds.chained : sessionSeconds.max,
        default: sessionSeconds.default,
      },
    },
    tellsAbsence: true,
    unsupported: {
      addCrossAccountAccess: openToAll,
      removeCrossAccountAccess: openToAll,
      getCrossAccountAccess: openToAll,
      provisionRegistry: madeOutside,
      deprovisionRegistry: madeOutside,
    },
  };
}
