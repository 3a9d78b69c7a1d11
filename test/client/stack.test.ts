import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArtifactRegistry } from "../../client/index.ts";
import { operations } from "../../core/operations.ts";

describe("the stack builder", () => {
  it("is what the overview shows", () => {
    const registry = new ArtifactRegistry("images").replicationRegions(["us-west-2", "eu-west-1"]).build();
    expect(registry).toEqual({ registry: "images", replicationRegions: ["us-west-2", "eu-west-1"] });
  });

  it("builds what provisionRegistry takes, whatever the id and the regions", () => {
    const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
    const regions = fc.uniqueArray(fc.stringMatching(/^[a-z]{2}-(north|south|east|west)-[1-9]$/), { maxLength: 5 });
    fc.assert(
      fc.property(id, fc.option(regions, { nil: undefined }), (name, list) => {
        const builder = new ArtifactRegistry(name);
        const json = JSON.parse(JSON.stringify((list ? builder.replicationRegions(list) : builder).build()));
        expect(operations.provisionRegistry.parse(json).registry).toBe(name);
        expect(json).toEqual({ registry: name, ...(list && { replicationRegions: list }) });
      }),
    );
  });

  it("changes nothing that it gave before", () => {
    const regions = ["us-west-2"];
    const bare = new ArtifactRegistry("images");
    const one = bare.replicationRegions(regions);
    const two = one.replicationRegions(["eu-west-1"]);
    regions.push("eu-west-3");
    expect(bare.build()).toEqual({ registry: "images" });
    expect(one.build()).toEqual({ registry: "images", replicationRegions: ["us-west-2"] });
    expect(two.build()).toEqual({ registry: "images", replicationRegions: ["eu-west-1"] });
    expect(Object.isFrozen(one.build()) && Object.isFrozen(one.build().replicationRegions)).toBe(true);
  });

  it.each(["", "a b", "a/b", "ä", "a".repeat(65), "a\n"])("refuses the id %j", (id) => {
    expect(() => new ArtifactRegistry(id)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
  });

  it.each([[["nowhere"]], [["us-west-2", "us-west-2"]], [["US-WEST-2"]], [["us-west-*"]], [[""]]])(
    "refuses the regions %j",
    (regions) => {
      expect(() => new ArtifactRegistry("images").replicationRegions(regions)).toThrow(
        expect.objectContaining({ code: "INVALID_INPUT" }),
      );
    },
  );
});
