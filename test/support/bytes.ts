import { expect } from "vitest";

/** Set up before every test file: bytes are compared as bytes. Vitest looks at each of them as a property of its own. */
expect.addEqualityTesters([
  (one: unknown, other: unknown) =>
    one instanceof Uint8Array && other instanceof Uint8Array && one.constructor === other.constructor
      ? Buffer.compare(one, other) === 0
      : undefined,
]);
