import { type Check, plain } from "../judge/case.ts";
import { unknownDigest } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";

const answered = (path: string, code: number): Check<undefined> => [
  code === 200 ? "MUST" : "PRACTICE",
  `GET ${path} is ${code}`,
  async (_, registry) => expect.status(await registry.ask("GET", path), code),
];

const notAllowed = (method: string, path: string): Check<undefined> => [
  "RFC",
  `${method} ${path.replace(/:.*/, ":…")} is 405, and tells what is allowed`,
  async (_, registry) => {
    const full = path.startsWith("/") ? path : `/v2/${registry.repository("one")}/${path}`;
    const answer = await registry.ask(method, full);
    expect.status(answer, 405);
    expect.header(answer, "Allow", /[A-Z]/);
  },
];

export const base = [
  plain("end-1", [
    answered("/v2/", 200),
    [
      "PRACTICE",
      "HEAD /v2/ is 200, without a body",
      async (_, registry) => {
        const answer = await registry.ask("HEAD", "/v2/");
        expect.status(answer, 200);
        expect.equal(answer.body.length, 0, "the body's length");
      },
    ],
    [
      "PRACTICE",
      "GET /v2, without the slash, is 200",
      async (_, registry) => expect.status(await registry.ask("GET", "/v2"), 200),
    ],
    [
      "PRACTICE",
      "Docker-Distribution-API-Version is registry/2.0",
      async (_, registry) =>
        expect.header(await registry.ask("GET", "/v2/"), "Docker-Distribution-Api-Version", "registry/2.0"),
    ],
    ...["/v2/_unknown", "/v2/one/unknown/thing", "/v1/", "/v3/"].map((path) => answered(path, 404)),
  ]),
  plain("methods", [
    notAllowed("POST", "/v2/"),
    notAllowed("PUT", "/v2/"),
    notAllowed("PATCH", "/v2/"),
    notAllowed("DELETE", "/v2/"),
    notAllowed("POST", "manifests/latest"),
    notAllowed("PATCH", "manifests/latest"),
    notAllowed("PUT", `blobs/${unknownDigest()}`),
    notAllowed("PATCH", `blobs/${unknownDigest()}`),
    notAllowed("POST", `blobs/${unknownDigest()}`),
    notAllowed("GET", "blobs/uploads/"),
    notAllowed("DELETE", "tags/list"),
    notAllowed("POST", "tags/list"),
    notAllowed("PUT", `referrers/${unknownDigest()}`),
    notAllowed("DELETE", `referrers/${unknownDigest()}`),
  ]),
];
