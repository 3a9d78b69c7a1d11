import { afterAll } from "vitest";

/** Set up before every test file: the next file of the same process finds the environment that this one found. */
const before = { ...process.env };

afterAll(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});
