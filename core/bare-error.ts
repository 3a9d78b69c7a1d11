import type { ErrorJson } from "./errors.ts";

/**
 * An error for a platform that shows its callers, or its log, whatever a function throws: its name is the code, its
 * message the error as JSON, and it holds nothing else: no cause, no stack.
 */
export class BareError extends Error {
  constructor(error: ErrorJson) {
    super(JSON.stringify(error));
    this.name = error.code;
    delete this.stack;
  }
}
