import { type Check, plain } from "../judge/case.ts";
import { basic, parseChallenge } from "../judge/challenge.ts";
import { fresh, unknownDigest } from "../judge/content.ts";
import { bearer, get } from "../judge/exchange.ts";
import * as expect from "../judge/expect.ts";
import { giveBlob } from "../judge/push.ts";
import type { Registry } from "../judge/registry.ts";

/** Every endpoint, and the actions that its challenge has to ask for; none where no repository is meant. */
const ENDPOINTS: readonly (readonly [method: string, path: string, actions: readonly string[]])[] = [
  ["GET", "/v2", []],
  ["GET", "/v2/", []],
  ["HEAD", "/v2/", []],
  ["GET", "blobs/DIGEST", ["pull"]],
  ["HEAD", "blobs/DIGEST", ["pull"]],
  ["DELETE", "blobs/DIGEST", ["delete"]],
  ["GET", "manifests/latest", ["pull"]],
  ["GET", "manifests/DIGEST", ["pull"]],
  ["HEAD", "manifests/latest", ["pull"]],
  ["PUT", "manifests/latest", ["pull", "push"]],
  ["DELETE", "manifests/latest", ["delete"]],
  ["POST", "blobs/uploads/", ["pull", "push"]],
  ["POST", "blobs/uploads/?digest=DIGEST", ["pull", "push"]],
  ["PATCH", "blobs/uploads/00000000-0000-4000-8000-000000000000", ["pull", "push"]],
  ["PUT", "blobs/uploads/00000000-0000-4000-8000-000000000000?digest=DIGEST", ["pull", "push"]],
  ["GET", "blobs/uploads/00000000-0000-4000-8000-000000000000", ["pull", "push"]],
  ["DELETE", "blobs/uploads/00000000-0000-4000-8000-000000000000", ["pull", "push"]],
  ["GET", "tags/list", ["pull"]],
  ["GET", "tags/list?n=1&last=a", ["pull"]],
  ["GET", "referrers/DIGEST", ["pull"]],
];

const CREDENTIALS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "no credential": {},
  "a bearer of nonsense": { Authorization: "Bearer nonsense" },
  "a bearer without a signature": { Authorization: `Bearer ${unsigned()}` },
  "an unknown user": { Authorization: basic({ username: "nobody", password: "nothing" }) },
  "a broken header": { Authorization: "Basic ===" },
};

const pathOf = (registry: Registry, path: string) => {
  const whole = path.startsWith("/") ? path : `/v2/${registry.repository("one")}/${path}`;
  return whole.replace("DIGEST", unknownDigest());
};

const endpoint = (method: string, path: string, actions: readonly string[]) => {
  const challengeOf = async (registry: Registry) => {
    const answer = await registry.bare(method, pathOf(registry, path));
    const challenge = parseChallenge(answer.headers["www-authenticate"]);
    expect.check(challenge !== undefined, `the challenge is ${answer.headers["www-authenticate"]}`);
    return challenge;
  };
  return plain(`challenge/${method} ${path}`, [
    ...Object.entries(CREDENTIALS).map(
      ([name, headers]): Check<undefined> => [
        "MUST",
        `with ${name} is 401, and tells where tokens are had`,
        async (_, registry) => {
          const answer = await registry.bare(method, pathOf(registry, path), { headers });
          expect.status(answer, 401);
          expect.header(answer, "WWW-Authenticate", /^Bearer .*realm="http/);
        },
      ],
    ),
    [
      "MUST",
      "has the error document",
      async (_, registry) => {
        const answer = await registry.bare(method, pathOf(registry, path));
        if (method !== "HEAD") expect.errorDocument(answer, "UNAUTHORIZED");
      },
    ],
    [
      "PRACTICE",
      "quotes realm and service",
      async (_, registry) => {
        const { scheme, parameters } = await challengeOf(registry);
        expect.equal(scheme, "bearer", "the scheme");
        expect.check(/^https?:\/\//.test(parameters.realm ?? ""), `realm is ${parameters.realm}`);
        expect.check((parameters.service ?? "") !== "", "there is no service");
      },
    ],
    [
      "PRACTICE",
      actions.length === 0 ? "asks for no scope" : `asks for ${actions.join(" and ")}`,
      async (_, registry) => {
        const { parameters } = await challengeOf(registry);
        const scope =
          actions.length === 0 ? undefined : `repository:${registry.repository("one")}:${actions.join(",")}`;
        expect.equal(parameters.scope, scope, "scope");
      },
    ],
  ]);
};

const mount = plain("challenge/mount", [
  [
    "PRACTICE",
    "asks for both repositories, in scopes separated by a space",
    async (_, registry) => {
      const [to, from] = [registry.repository("two"), registry.repository("one")];
      const answer = await registry.bare("POST", `/v2/${to}/blobs/uploads/?mount=${unknownDigest()}&from=${from}`);
      const challenge = parseChallenge(answer.headers["www-authenticate"]);
      expect.equal(challenge?.parameters.scope, `repository:${to}:pull,push repository:${from}:pull`, "scope");
    },
  ],
  [
    "PRACTICE",
    "with a token for the target alone asks for both, and is done with the token that this gives",
    async (_, registry) => {
      const [to, from] = [registry.repository("two"), registry.repository("one")];
      const name = await giveBlob(registry, from, fresh(), "sha256");
      const path = `/v2/${to}/blobs/uploads/?mount=${name}&from=${from}`;
      const narrow = bearer(await get(registry, [`repository:${to}:pull,push`]));
      const answer = await registry.bare("POST", path, { headers: narrow });
      expect.status(answer, 401);
      const { scope = "", error } = parseChallenge(answer.headers["www-authenticate"])?.parameters ?? {};
      expect.equal(scope, `repository:${to}:pull,push repository:${from}:pull`, "scope");
      // RFC 6750, 3.1: the token counts, and does not allow enough.
      expect.equal(error, "insufficient_scope", "error");
      expect.status(await registry.bare("POST", path, { headers: bearer(await get(registry, [scope])) }), 201);
    },
  ],
  [
    "PRACTICE",
    "is an upload where the token endpoint did not grant the source",
    async (_, registry) => {
      const to = registry.repository("two");
      const from = `not-${registry.namespace}/at-all`;
      const wanted = `repository:${to}:pull,push repository:${from}:pull`;
      const headers = bearer(await get(registry, [wanted]));
      const path = `/v2/${to}/blobs/uploads/?mount=${unknownDigest()}&from=${from}`;
      expect.status(await registry.bare("POST", path, { headers }), 202);
    },
  ],
]);

/** A token that allows everything, signed by nobody. */
function unsigned(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const access = [{ type: "repository", name: "*", actions: ["*"] }];
  return `${part({ alg: "none", typ: "JWT" })}.${part({ sub: "a", aud: "registry", exp: 4_000_000_000, access })}.`;
}

export const challenges = [...ENDPOINTS.map(([method, path, actions]) => endpoint(method, path, actions)), mount];
