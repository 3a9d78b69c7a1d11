import { createRequire } from "node:module";
import { coldStart } from "../../gcp/bundle/child.ts";
import { goldenOf, verifiedToken } from "../../gcp/handler/golden.ts";
import { bundleOf } from "../../support/bundle.ts";
import { startStub } from "../stub-google.ts";
import { credentials, rulesFor, type Subject } from "./subject.ts";

const framework = createRequire(import.meta.url).resolve("@google-cloud/functions-framework");

/** The Cloud Function under the framework, called over HTTP behind the platform door. */
export async function gcpSubject(): Promise<Subject> {
  const stub = await startStub();
  const email = "pipeline@vendor-project.iam.gserviceaccount.com";
  const token = verifiedToken({ exp: Math.floor(Date.now() / 1_000) + 36_000 });
  const golden = goldenOf("public", { body: credentials, headers: { authorization: `Bearer ${token}` } });
  return {
    name: "gcp",
    bundle: bundleOf("gcp"),
    empty: `require(${JSON.stringify(framework)}).http("artifactRegistry", (req, res) => res.end("{}"));\n`,
    env: {
      GCE_METADATA_HOST: stub.host,
      METADATA_SERVER_DETECTION: "assume-present",
      K_SERVICE: "artifact-registry",
      ALIEN_IAM_CREDENTIALS_ENDPOINT: `http://${stub.host}`,
      ALIEN_DOOR: "platform",
      ALIEN_IMAGES_BINDING: JSON.stringify({
        service: "gar",
        projectId: "vendor-project",
        location: "europe-west1",
        repositoryName: "images",
        pullServiceAccountEmail: "images-pull@vendor-project.iam.gserviceaccount.com",
      }),
      ALIEN_ACCESS_RULES: rulesFor("gcp", email),
    },
    async run(file, env) {
      const result = await coldStart(file, "artifactRegistry", golden, env);
      return { ...result, minted: result.answer?.text.includes('"password"') ?? false };
    },
    stop: () => stub.stop(),
  };
}
