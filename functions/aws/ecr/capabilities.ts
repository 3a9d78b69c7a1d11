import type { Capabilities } from "../../../core/schemas.ts";
import type { Place } from "../place.ts";
import { sessionSeconds } from "../session.ts";

export function ecrCapabilities({ onLambda }: Place): Capabilities {
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
    crossAccountAccess: "aws",
    crossAccountScope: "repository",
    unsupported: {},
  };
}
