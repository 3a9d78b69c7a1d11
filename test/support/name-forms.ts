import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ArtifactRegistry } from "../../core/registry.ts";
import { refusalOf } from "./inputs.ts";

/**
 * What people paste where a name is asked for: resources of the clouds, references of images, URLs. None of these names a
 * repository of a test's own registries, and none is a logical name on any platform.
 */
export const foreignForms: readonly string[] = [
  "arn:aws:ecr:us-east-1:999988887777:repository/my-app",
  "arn:aws-cn:ecr:cn-north-1:999988887777:repository/team/my-app",
  "arn:aws:ecr-public::999988887777:repository/my-app",
  "ARN:aws:s3:::a bucket",
  "https://registry.example/my-app",
  "docker://my-app",
  "oci://registry.example/charts",
  "S3://a bucket/x",
  "projects/a-project/locations/europe-west1/repositories/images/packages/my-app",
  "projects/a-project/locations/europe-west1/repositories/images",
  "projects/1234567890/locations/us/",
  "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r",
  "/Subscriptions/x",
  "my-app:1.0",
  "team/my-app:latest",
  "prj:ABC",
  "https:x",
  ":latest",
  "my app:1",
  `my-app@sha256:${"0a".repeat(32)}`,
  "my-app@sha256:abc",
  "my-app:1.0@sha256:abc",
  `my-app@sha512:${"f".repeat(128)}`,
  "my-app@sha256+b64u:abc",
  "my-app@sha256:abc/more",
  "registry.example:5000/my-app",
  "localhost:5000/my-app",
  "[::1]:5000/my-app",
  "my-app:80/x y",
  "999988887777.dkr.ecr.us-east-1.amazonaws.com/my-app",
  "999988887777.dkr.ecr.us-east-1.amazonaws.com",
  "999988887777.dkr.ecr-fips.us-east-1.amazonaws.com/my-app",
  "999988887777.dkr.ecr.cn-north-1.amazonaws.com.cn/my-app",
  "999988887777.dkr.ecr.eusc-de-east-1.amazonaws.eu/my-app",
  "999988887777.dkr-ecr.us-east-1.on.aws/my-app",
  "999988887777.dkr-ecr-fips.us-east-1.on.aws/my-app",
  "999988887777.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn/my-app",
  "public.ecr.aws/docker/library/busybox",
  "PUBLIC.ECR.AWS/docker/library/busybox",
  "ecr-public.aws.com/docker/library/busybox",
  "asia-docker.pkg.dev/a-project/images/my-app",
  "docker.asia-east1.rep.pkg.dev/a-project/images/my-app",
  "gcr.io/a-project/my-app",
  "Eu.GCR.io/a-project/My App",
  "gcr.io./a-project/my-app",
  "gcr.io",
  "somebody.azurecr.io/my-app",
  "somebody-a1b2c3.azurecr.cn/my-app",
  "somebody.azurecr.us/my-app",
  "somebody.westeurope.data.azurecr.io/my-app",
];

/** Names that come close to one of these forms, and are names all the same. */
export const plainNames: readonly string[] = [
  "arnold/app",
  "arn",
  "a.b/c",
  "ghcr.io/acme/app",
  "quay.io",
  "registry.elsewhere.example/app",
  "mygcr.io/app",
  "gcr.io-mirror/app",
  "team/gcr.io/app",
  "azurecr.io.example/app",
  "pkg.developer/app",
  "amazonaws.com-tools",
  "projects/acme",
  "projects/acme/location/x",
  "team/projects/acme/locations/x",
  "subscriptions/x",
  "somebody@example.com",
  "git@github.com:acme/app",
  "sha256",
  "app@sha256",
  "app@sha256:xyz/app",
  "app:",
  "app: new",
  "app:日本",
  `app:${"x".repeat(129)}`,
  "a:b/c",
  "a:/b",
  "::/",
  "1.0",
  "v1.2/app.v3",
];

const word = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,8}){0,2}$/);
const path = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join("/"));
/** Any text that may stand in a name, but for what makes a path hostile. */
const text = fc.oneof(
  path,
  fc.string({ unit: fc.constantFrom(..."aZ09-_. é日🦊@:/+%"), maxLength: 20 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);
const tag = fc.stringMatching(/^:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/);
const digest = fc
  .tuple(fc.constantFrom("sha256", "sha512", "blake3", "sha256+b64u", "SHA256"), fc.stringMatching(/^[0-9a-f]{1,128}$/))
  .map(([algorithm, hex]) => `@${algorithm}:${hex}`);
const domain = fc.constantFrom(
  ...["amazonaws.com", "amazonaws.com.cn", "on.aws", "public.ecr.aws", "pkg.dev", "gcr.io"],
  ...["azurecr.io", "azurecr.cn", "azurecr.us"],
);
const mixedCase = (lower: fc.Arbitrary<string>) =>
  fc.oneof(
    lower,
    lower.map((each) => each.toUpperCase()),
    lower.map((each) => each.charAt(0).toUpperCase() + each.slice(1)),
  );
const host = mixedCase(
  fc.oneof(
    domain,
    fc.tuple(word, domain).map(([label, parent]) => `${label}.${parent}`),
  ),
);
const joined = (...parts: readonly fc.Arbitrary<string>[]) => fc.tuple(...parts).map((each) => each.join(""));

/** Any text of one of these forms; its parts are chosen so that it names no repository of a test's own registries. */
export const anyForeignForm: fc.Arbitrary<string> = fc.oneof(
  joined(fc.constantFrom("arn:", "ARN:", "arn:aws:ecr:eu-north-1:000000000000:repository/"), text),
  joined(fc.stringMatching(/^[a-z][a-z0-9+.-]{0,8}:\/\/$/), text),
  joined(fc.constant("projects/other-"), word, fc.constant("/locations/"), text),
  joined(fc.constantFrom("/subscriptions/", "/SUBSCRIPTIONS/"), text),
  joined(text, tag),
  joined(text, digest),
  joined(path, digest, fc.constant("/"), path),
  joined(word, fc.constantFrom(":1/", ":443/", ":5000/", ":65535/"), text),
  joined(host, fc.constant("/"), text),
  host,
);

/** Any text that begins with `host`, in upper or lower case. */
export const anyUnder = (own: string): fc.Arbitrary<string> =>
  fc.oneof(mixedCase(fc.constant(own)), joined(mixedCase(fc.constant(own)), fc.constant("/"), text));

/** How a platform names the repositories of a registry that a test knows, beside their names. */
export interface OwnForms {
  /** What is read as an id, and which. */
  readonly read: readonly (readonly [form: string, id: string])[];
  /** What comes close to that, and is refused. */
  readonly refused: readonly string[];
}

/** Holds a platform's names to what is no name: on every platform the same, but for the forms of its own registry. */
export function foreignNameTests(
  title: string,
  { routeName, resolveId }: Pick<ArtifactRegistry, "routeName" | "resolveId">,
  { read, refused }: OwnForms,
): void {
  const isNoName = async (form: string) =>
    expect(await refusalOf(() => routeName(form))).toEqual({ code: "INVALID_INPUT", field: "name" });
  const isNoId = async (form: string) =>
    expect(await refusalOf(() => resolveId(form))).toEqual({ code: "INVALID_INPUT", field: "repoId" });

  describe(`what is no name: ${title}`, () => {
    if (read.length > 0) {
      test.each(read)("%j is no name, and as an id it is %j", async (form, id) => {
        await isNoName(form);
        expect(resolveId(form)).toBe(id);
        expect(resolveId(id)).toBe(id);
        for (const image of [`${form}:1.0`, `${form}@sha256:${"0a".repeat(32)}`]) {
          await isNoName(image);
          await isNoId(image);
        }
      });
    }

    test.each([...refused, ...foreignForms])("%j is neither a name nor an id", async (form) => {
      await isNoName(form);
      await isNoId(form);
    });

    test("and no such form becomes the name of a repository", async () => {
      await fc.assert(
        fc.asyncProperty(anyForeignForm, async (form) => {
          await isNoName(form);
          await isNoId(form);
        }),
      );
    });

    test.each(plainNames)("%j is a name, and its own repository", (name) => {
      expect(resolveId(name)).toBe(routeName(name));
      expect(resolveId(routeName(name))).toBe(routeName(name));
    });
  });
}
