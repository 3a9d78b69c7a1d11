import { type Check, plain } from "../judge/case.ts";
import { index, unknownDigest } from "../judge/content.ts";
import * as expect from "../judge/expect.ts";
import { putManifest } from "../judge/push.ts";
import type { Registry } from "../judge/registry.ts";

const at = (registry: Registry, reference: string) => `/v2/${registry.repository("manifests")}/manifests/${reference}`;

const unknown = plain("manifest unknown", [
  ...["a-tag-that-is-not-there", unknownDigest("sha256"), unknownDigest("sha512")].flatMap((reference) =>
    ["manifests", "nowhere"].flatMap((slug): Check<undefined>[] => {
      const shown = `${reference.replace(/:.*/, ":…")} in ${slug}`;
      const path = (registry: Registry) => `/v2/${registry.repository(slug)}/manifests/${reference}`;
      return [
        ...(["GET", "HEAD", "DELETE"] as const).map(
          (method): Check<undefined> => [
            "MUST",
            `${method} ${shown} is 404`,
            async (_, registry) => expect.status(await registry.ask(method, path(registry)), 404),
          ],
        ),
        [
          "MUST",
          `GET ${shown} has the error document`,
          async (_, registry) =>
            expect.errorDocument(await registry.ask("GET", path(registry)), "MANIFEST_UNKNOWN", "NAME_UNKNOWN"),
        ],
      ];
    }),
  ),
  ...["sha256:baddigeststring", "sha256:", `md5:${"0".repeat(32)}`, `sha512:${"0".repeat(64)}`].flatMap(
    (reference): Check<undefined>[] => [
      [
        "MUST",
        `GET ${reference.slice(0, 24)} is 400 or 404`,
        async (_, registry) => expect.status(await registry.ask("GET", at(registry, reference)), 400, 404),
      ],
      [
        "MUST",
        `PUT ${reference.slice(0, 24)} is 400 or 404`,
        async (_, registry) => {
          const answer = await putManifest(registry, registry.repository("manifests"), reference, index([]));
          expect.status(answer, 400, 404);
        },
      ],
    ],
  ),
]);

export const manifestUnknown = [unknown];
