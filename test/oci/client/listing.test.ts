import { expect, test } from "vitest";
import { createClient } from "../../../oci/client/index.ts";
import { nextLink } from "../../../oci/client/listing.ts";
import { reply, type Server, serve } from "./server.ts";

const digest = `sha256:${"a".repeat(64)}`;

test.each([
  ['</v2/a/tags/list?n=2&last=b>; rel="next"', "/v2/a/tags/list?n=2&last=b"],
  ["<x>; rel=next", "x"],
  ['<first>; rel="first", <second>; title="a, b; c"; rel="next"', "second"],
  ['<x>; rel="prev next"', "x"],
  ['<x>; rel="nextish"', undefined],
  ["<x>; rel=nextish", undefined],
  ['<x>; title="rel=next"', undefined],
  ["", undefined],
  [null, undefined],
])("the next page of %j is %j", (header, expected) => {
  expect(nextLink(header)).toBe(expected);
});

test("tags are gathered page after page, through relative and absolute links", async () => {
  const server: Server = await serve((request, response) => {
    const last = new URL(request.url ?? "", server.url).searchParams.get("last");
    const page = last === null ? ["a", "b"] : last === "b" ? ["c", "d"] : [];
    const link =
      last === null ? "</v2/x/tags/list?n=2&last=b>" : last === "b" ? `<${server.url}/v2/x/tags/list?last=d>` : "";
    reply(
      response,
      200,
      { name: "x", tags: page.length === 0 ? null : page },
      link === "" ? {} : { link: `${link}; rel="next"` },
    );
  });
  const client = createClient({ url: server.url });
  await expect(client.tags("x", 2)).resolves.toEqual(["a", "b", "c", "d"]);
  expect(server.seen.map(({ url }) => url)).toEqual([
    "/v2/x/tags/list?n=2",
    "/v2/x/tags/list?n=2&last=b",
    "/v2/x/tags/list?last=d",
  ]);
  for await (const tag of client.eachTag("x")) {
    expect(tag).toBe("a");
    break;
  }
  expect(server.seen).toHaveLength(4);
});

test("a next page in a circle, or on another host, is not followed", async () => {
  const other = await serve((_, response) => reply(response, 200, { tags: ["stolen"] }));
  const links = ["</v2/x/tags/list>", `<${other.url}/v2/x/tags/list>`];
  for (const link of links) {
    const server = await serve((_, response) => reply(response, 200, { tags: ["a"] }, { link: `${link}; rel="next"` }));
    await expect(createClient({ url: server.url }).tags("x")).rejects.toMatchObject({ code: "UNEXPECTED_RESPONSE" });
  }
  expect(other.seen).toEqual([]);
});

test("the catalog is paginated too", async () => {
  const server = await serve((request, response) => {
    const first = request.url === "/v2/_catalog?n=1";
    reply(
      response,
      200,
      { repositories: first ? ["a"] : ["b"] },
      first ? { link: '</v2/_catalog?n=1&last=a>; rel="next"' } : {},
    );
  });
  await expect(createClient({ url: server.url }).catalog(1)).resolves.toEqual(["a", "b"]);
});

test("referrers are filtered here too, for a registry may ignore the filter", async () => {
  const manifests = [
    { artifactType: "wanted", digest },
    { artifactType: "other", digest },
  ];
  const server = await serve((_, response) => reply(response, 200, { manifests }));
  const client = createClient({ url: server.url });
  await expect(client.referrers("a", digest)).resolves.toHaveLength(2);
  await expect(client.referrers("a", digest, "wanted")).resolves.toEqual([{ artifactType: "wanted", digest }]);
  expect(server.seen[1]?.url).toBe(`/v2/a/referrers/${digest}?artifactType=wanted`);
});

test("a registry without referrers is asked for the tag instead; without that there are none", async () => {
  const index = { manifests: [{ artifactType: "wanted", digest }] };
  const old = await serve((request, response) => {
    const tagged = request.url === `/v2/a/manifests/sha256-${"a".repeat(64)}`;
    reply(response, tagged ? 200 : 404, tagged ? index : "404 page not found");
  });
  await expect(createClient({ url: old.url }).referrers("a", digest)).resolves.toEqual(index.manifests);
  const bare = await serve((_, response) => reply(response, 404));
  await expect(createClient({ url: bare.url }).referrers("a", digest)).resolves.toEqual([]);
  const broken = await serve((_, response) => reply(response, 500));
  await expect(createClient({ url: broken.url }).referrers("a", digest)).rejects.toMatchObject({ status: 500 });
});

test.each([
  ["not JSON", "<html>"],
  ["tags that are no list", { tags: "a" }],
])("%s is an unexpected response", async (_, body) => {
  const server = await serve((_request, response) => reply(response, 200, body));
  await expect(createClient({ url: server.url }).tags("a")).rejects.toMatchObject({ code: "UNEXPECTED_RESPONSE" });
});
