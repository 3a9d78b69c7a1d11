import { platform } from "../../../functions/gcp/index.ts";
import { createClient } from "../../../oci/client/index.ts";
import { startSuite } from "../../contract/harness.ts";
import { startStack } from "../../gcp/support/stack.ts";
import { type Cloud, functionsOf, option, serveProvision } from "./follow.ts";

const host = "europe-west1-docker.pkg.dev";
/** Cloud Run's, in the project that the page lets in. */
const agent = "service-444455556666@serverless-robot-prod.iam.gserviceaccount.com";

/** As `infra/gcp/examples/basic` leaves it. @param derived registries that callers have rules for, and that nothing binds */
export async function startGcp(derived: readonly string[] = []): Promise<Cloud> {
  const projectRoles = ["roles/artifactregistry.admin", "roles/iam.serviceAccountAdmin"];
  const stack = await startStack({ project: "acme-registries", repositories: ["acme-images"], projectRoles });
  const { gcp } = stack;
  gcp.serviceAccount("deploy", { project: "acme-customer" });
  stack.useInThisProcess();
  const env = {
    ...stack.env(),
    GOOGLE_CLOUD_LOCATION: stack.location,
    ALIEN_STACK_PREFIX: "acme",
    ALIEN_IMAGES_BINDING: stack.binding("acme-images"),
  };
  const functions = functionsOf(platform, env);
  const http = await startSuite(platform, env, ["images", ...derived]);
  const provision = await serveProvision(functions);
  const urls = { platform: { url: http.url }, oidc: { url: http.url }, provision: { url: provision.url } };
  const commands: Readonly<Record<string, (args: readonly string[]) => Promise<string>>> = {
    "tofu output -json": async () => JSON.stringify(urls),
    "tofu output -raw": async () => "projects/acme-functions/topics/acme-setup",
    "gcloud auth print-identity-token": async () => "token-of-alice",
    async "gcloud run deploy"(args) {
      const [, repository = "", tag = ""] = /^[^/]+\/(.+):([^:]+)$/.exec(option(args, "--image")) ?? [];
      const pulledAs = (email: string) => {
        const credentials = { username: "oauth2accesstoken", password: gcp.token(email) };
        return createClient({ url: gcp.registryUrl(), credentials }).pullManifest(repository, tag);
      };
      // Whoever deploys must be able to read the image, too (Artifact Registry, "Deploying to Cloud Run"): without the option
      // it is the person who is logged in.
      const impersonates = args.some((each) => each.startsWith("--impersonate-service-account"));
      await pulledAs(impersonates ? option(args, "--impersonate-service-account") : "bob@acme-customer.example");
      return `Deployed ${(await pulledAs(agent)).digest}.`;
    },
    async "gcloud pubsub topics"(args) {
      await functions.event(JSON.parse(option(args, "--message")));
      return "";
    },
    "gcloud pubsub subscriptions": async () => "Listed 0 items.",
  };
  return {
    async command(name, args) {
      if (name === "npm" || (name === "tofu" && args[0] !== "output")) return "";
      const command = commands[[name, ...args.slice(0, 2)].join(" ")];
      if (!command) throw new Error(`Nothing stands in for ${name} ${args.join(" ")}.`);
      return command(args);
    },
    registry: { host, here: new URL(gcp.registryUrl()).host },
    env: { TOKEN: "token-of-alice" },
    async stop() {
      provision.stop();
      await http.stop();
      await stack.stop();
    },
  };
}
