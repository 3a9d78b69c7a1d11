import * as v from "valibot";

/** What a request for credentials says. It stands apart because the Docker credential helper, which each pull waits for, loads it alone. */

/** A text of so many characters, of which none is a control character. */
export const characters = (min: number, max: number) =>
  // JSON Schema counts characters, and JavaScript counts UTF-16 units. A pattern counts the same in both.
  new RegExp(`^[^\\u0000-\\u001f\\u007f-\\u009f]{${min},${max}}$`, "u");

export const registryName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 characters of A-Z, a-z, 0-9, - and _"),
  v.description("Name of the registry, as it is bound by ALIEN_{NAME}_BINDING."),
  v.examples(["images"]),
);

export const repositoryId = v.pipe(
  v.string(),
  v.regex(characters(1, 512), "must be 1 to 512 characters without control characters"),
  v.description("The name or the uri that createRepository returned, or the logical name."),
  v.examples(["images/my-app"]),
);

export const permissions = v.pipe(
  v.picklist(["pull", "push-pull"], 'must be "pull" or "push-pull"'),
  v.description("Access level of the credentials."),
);

export const ttlSeconds = v.pipe(
  v.number(),
  v.integer("must be a whole number of seconds"),
  v.minValue(1, "must be at least 1 second"),
  v.description("Wished lifetime in seconds. Raised or capped to what the platform allows; expiresAt tells."),
  v.examples([900]),
);

export const alsoPull = v.pipe(
  v.array(repositoryId),
  v.maxLength(10, "must name at most 10 repositories"),
  v.description("Further repositories of the registry that the credentials pull from, and do not push to."),
  v.examples([["images/base"]]),
);

export const region = v.pipe(
  v.string(),
  v.regex(/^[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}$/, "must be a plain region, as us-east-1"),
);

export type Permissions = v.InferOutput<typeof permissions>;
