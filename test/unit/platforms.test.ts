import { expect, it } from "vitest";
import { platforms } from "../../platforms.ts";

it.each(Object.entries(platforms))("the line of %s names its folder's services", async (name, { services, load }) => {
  const platform = await load();
  expect(platform.name).toBe(name);
  expect(Object.keys(platform.services)).toEqual(services);
});

it("no two platforms name the same service", () => {
  const services = Object.values(platforms).flatMap((each) => [...each.services]);
  expect(new Set(services).size).toBe(services.length);
});
