import * as v from "valibot";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Middleware } from "./chain.ts";

/**
 * Refuses an event of another shape than the door's: what a function takes is decided by its configuration, never by
 * what somebody sends it.
 *
 * @param takes what the door takes, for the message
 */
export function shape(schema: v.GenericSchema, takes: string): Middleware {
  return {
    before({ event }) {
      if (v.is(schema, event)) return;
      throw new ArtifactRegistryError("INVALID_INPUT", `This function takes ${takes}, and nothing else.`, {
        hint: "Each way in has a function of its own; ALIEN_DOOR names this one's.",
      });
    },
  };
}
