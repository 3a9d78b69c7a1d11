import { expect, test } from "vitest";
import { createOwnIdentity } from "../../../functions/gcp/auth.ts";
import type { GarContext } from "../../../functions/gcp/gar/context.ts";
import { editPolicy } from "../../../functions/gcp/gar/policy.ts";
import { createGarNames } from "../../../functions/gcp/names.ts";
import { repositoryResource } from "../../../functions/gcp/place.ts";
import { newCall } from "../support/registry.ts";

const place = { project: "vendor-project", location: "europe-west1", repository: "images" };

/** The API as it must never be: its policies have no etag. The emulator cannot be made to lie so. */
function answering(policy: object) {
  const written: unknown[] = [];
  const client = {
    getIamPolicy: async () => [policy],
    setIamPolicy: async (request: unknown) => {
      written.push(request);
      return [policy];
    },
  };
  const context: GarContext = {
    derived: false,
    binding: { service: "gar", repositoryName: "images" },
    place,
    resource: repositoryResource(place),
    names: createGarNames(place, []),
    env: {},
    identity: createOwnIdentity(process.env),
    controlPlane: async () => ({ open: async () => ({ client: client as never, headers: {} }) }),
  };
  return { context, written };
}

test.each([{}, { etag: null }, { etag: "" }, { etag: Buffer.alloc(0) }])(
  "a policy without an etag (%o) is an error, and nothing is written",
  async (more) => {
    const { context, written } = answering({ version: 1, bindings: [], ...more });
    const edit = editPolicy(context, (policy) => ({ ...policy, version: 3 }), newCall());
    await expect(edit).rejects.toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
    expect(written).toEqual([]);
  },
);

test("the policy is written with the etag that was read", async () => {
  const etag = Buffer.from("BwWWja0YfJA=");
  const { context, written } = answering({ version: 1, bindings: [], etag });
  await editPolicy(context, (policy) => ({ ...policy, version: 3 }), newCall());
  expect(written).toEqual([
    {
      resource: "projects/vendor-project/locations/europe-west1/repositories/images",
      policy: { version: 3, bindings: [], etag },
    },
  ]);
});
