import * as v from "valibot";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { operations } from "../../core/operations.ts";
import type { Connection } from "../connection.ts";

/**
 * Holds what is answered to the operations' schemas: something else may answer at a function's URL. Fields that a later
 * version adds may be there.
 */
export function checked(connection: Connection): Connection {
  return {
    ...connection,
    async call(operation, input, options) {
      const output = await connection.call(operation, input, options);
      const { issues = [] } = v.safeParse(operations[operation].output, output);
      const wrong = issues.find(({ expected }) => expected !== "never");
      if (wrong === undefined) return output;
      const field = v.getDotPath(wrong);
      throw new ArtifactRegistryError(
        "UNEXPECTED_RESPONSE_FORMAT",
        `The answer is not that of ${operation}${field === null ? "" : `: "${field}" is missing or of another kind`}.`,
        { hint: "See that the URL is the function's, and that its version fits this one." },
      );
    },
  };
}
