import { type Check, group, plain } from "../judge/case.ts";
import { basic } from "../judge/challenge.ts";
import { unknownDigest } from "../judge/content.ts";
import { bearer, endpoint, get, type Issued, post } from "../judge/exchange.ts";
import * as expect from "../judge/expect.ts";
import type { Answer } from "../judge/http.ts";
import type { Registry } from "../judge/registry.ts";

const scope = (registry: Registry, slug: string, actions: string) =>
  `repository:${registry.repository(slug)}:${actions}`;

const password = (registry: Registry) => {
  const { username = "", password: secret = "" } = registry.credentials ?? {};
  return { grant_type: "password", username, password: secret };
};

const WAYS: Readonly<Record<string, (registry: Registry, wanted: string) => Promise<Answer>>> = {
  GET: (registry, wanted) => get(registry, [wanted]),
  "POST with grant_type=password": (registry, wanted) => post(registry, { ...password(registry), scope: wanted }),
};

const issued = (name: string, exchange: (registry: Registry, wanted: string) => Promise<Answer>) =>
  group(`token by ${name}`, (registry) => exchange(registry, scope(registry, "one", "pull,push")), [
    ["PRACTICE", "is 200", (answer) => expect.status(answer, 200)],
    ["PRACTICE", "is JSON", (answer) => expect.mediaType(answer, "application/json")],
    [
      "PRACTICE",
      "is in token and access_token",
      (answer) => {
        const { token, access_token } = expect.json<Issued>(answer);
        expect.check(
          typeof token === "string" && token !== "" && token === access_token,
          "they differ, or are not there",
        );
      },
    ],
    [
      "PRACTICE",
      "says for how many seconds",
      (answer) => expect.check((expect.json<Issued>(answer).expires_in ?? 0) >= 60, "expires_in is less than 60"),
    ],
    [
      "PRACTICE",
      "says since when",
      (answer) => {
        const at = Date.parse(expect.json<Issued>(answer).issued_at ?? "");
        expect.check(Math.abs(Date.now() - at) < 60_000, "issued_at is not now");
      },
    ],
    ["RFC", "is not to be stored", (answer) => expect.header(answer, "Cache-Control", /no-store/)],
    [
      "PRACTICE",
      "does what was asked for",
      async (answer, registry) => {
        const headers = bearer(answer);
        expect.status(
          await registry.bare("POST", `/v2/${registry.repository("one")}/blobs/uploads/`, { headers }),
          202,
        );
        expect.status(await registry.bare("GET", "/v2/", { headers }), 200);
      },
    ],
    ...(
      [
        ["POST", "one/blobs/uploads/", "pull"],
        ["PUT", "one/manifests/latest", "pull"],
        ["DELETE", "one/manifests/latest", "pull,push"],
        ["DELETE", `one/blobs/${unknownDigest()}`, "pull,push"],
        ["GET", "two/manifests/latest", "pull,push,delete"],
        ["POST", "two/blobs/uploads/", "pull,push,delete"],
        ["GET", "one/more/tags/list", "pull"],
      ] as const
    ).map(
      ([method, path, actions]): Check<Answer> => [
        "PRACTICE",
        `for one:${actions} is refused at ${method} ${path.replace(/:.*/, ":…")}`,
        async (_, registry) => {
          const headers = bearer(await exchange(registry, scope(registry, "one", actions)));
          const answer = await registry.bare(method, `/v2/${registry.repository(path)}`, { headers });
          expect.status(answer, 401, 403);
          expect.errorDocument(answer, "DENIED", "UNAUTHORIZED");
        },
      ],
    ),
  ]);

const several = plain("token of several scopes", [
  ...[" ", "parameters of their own"].map(
    (between): Check<undefined> => [
      "PRACTICE",
      `in ${between === " " ? "one parameter, separated by a space," : between} allows each of them`,
      async (_, registry) => {
        const both = [scope(registry, "one", "pull"), scope(registry, "two", "pull,push")];
        const headers = bearer(await get(registry, between === " " ? [both.join(" ")] : both));
        const read = `/v2/${registry.repository("one")}/blobs/${unknownDigest()}`;
        expect.status(await registry.bare("GET", read, { headers }), 404);
        expect.status(
          await registry.bare("POST", `/v2/${registry.repository("two")}/blobs/uploads/`, { headers }),
          202,
        );
        const write = `/v2/${registry.repository("one")}/blobs/uploads/`;
        expect.status(await registry.bare("POST", write, { headers }), 401, 403);
      },
    ],
  ),
  ...["", "nonsense", "repository:", "repository:a", "other:thing:pull", "repository::pull"].map(
    (nonsense): Check<undefined> => [
      "PRACTICE",
      `“${nonsense}” allows nothing`,
      async (_, registry) => {
        const headers = bearer(await get(registry, [nonsense]));
        expect.status(await registry.bare("GET", "/v2/", { headers }), 200);
        const path = `/v2/${registry.repository("one")}/tags/list`;
        expect.status(await registry.bare("GET", path, { headers }), 401, 403);
      },
    ],
  ),
]);

const refused = plain("token refused", [
  [
    "PRACTICE",
    "GET without a credential is 401",
    async (_, r) => expect.status(await get(r, [], { Authorization: "" }), 401),
  ],
  [
    "PRACTICE",
    "GET with a false password is 401",
    async (_, r) => {
      const username = r.credentials?.username ?? "";
      expect.status(await get(r, [], { Authorization: basic({ username, password: "false" }) }), 401);
    },
  ],
  [
    "PRACTICE",
    "POST with a false password is 401",
    async (_, r) => expect.status(await post(r, { ...password(r), password: "false" }), 400, 401),
  ],
  ["PRACTICE", "POST without a grant is refused", async (_, r) => expect.status(await post(r, {}), 400, 401)],
  [
    "PRACTICE",
    "PUT is 405",
    async (_, r) => expect.status(await r.bare("PUT", (await endpoint(r)).realm, { body: "" }), 405),
  ],
  [
    "PRACTICE",
    "a changed token is refused",
    async (_, r) => {
      const { Authorization } = bearer(await get(r, [scope(r, "one", "pull")]));
      const at = Math.floor(Authorization.length * 0.6);
      const changed = `${Authorization.slice(0, at)}${Authorization[at] === "A" ? "B" : "A"}${Authorization.slice(at + 1)}`;
      expect.status(await r.bare("GET", "/v2/", { headers: { Authorization: changed } }), 401);
    },
  ],
]);

export const tokens = [...Object.entries(WAYS).map(([name, exchange]) => issued(name, exchange)), several, refused];
