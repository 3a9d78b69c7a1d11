import { afterAll, expect } from "vitest";
import { findLeak, forgetLeaks } from "./secrets.ts";

/**
 * Set up before every test file: after its tests, no line that a watched log took may hold a secret that was revealed in this
 * process, be it as it is, in base64, or URL-encoded.
 */
afterAll(() => {
  const leak = findLeak();
  forgetLeaks();
  expect(leak).toBeUndefined();
});
