import { coldStart } from "../../gcp/bundle/child.ts";
import { goldenOf, verifiedToken } from "../../gcp/handler/golden.ts";
import { startStub } from "./stub.ts";
import { credentials, type OpenSubject, rulesFor } from "./subject.ts";

const token = { access_token: "token", expires_in: 3_600, token_type: "Bearer" };
const minted = () => ({ accessToken: "password", expireTime: new Date(Date.now() + 3_600_000).toISOString() });
const account = "images-pull@vendor-project.iam.gserviceaccount.com";
const path = `/v1/projects/-/serviceAccounts/${account}:generateAccessToken`;

const others = {
  empty: `require("@google-cloud/functions-framework").http("artifactRegistry", (req, res) => res.end("{}"));`,
  "the platform's own client alone": `
    const { http } = require("@google-cloud/functions-framework");
    const { GoogleAuth } = require("google-auth-library");
    http("artifactRegistry", async (req, res) => {
      const client = await new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/cloud-platform"] }).getClient();
      const { data } = await client.request({ url: process.env.ALIEN_IAM_CREDENTIALS_ENDPOINT + "${path}", method: "POST", data: {} });
      res.end(JSON.stringify({ password: data.accessToken }));
    });`,
  "node:https alone": `
    const { http } = require("@google-cloud/functions-framework");
    const { request: plain } = require("node:http");
    const { request: secure } = require("node:https");
    const send = (url, options, body) => new Promise((resolve, reject) => {
      const outgoing = (url.startsWith("https:") ? secure : plain)(url, options, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8").on("data", (chunk) => { text += chunk; }).on("end", () => resolve(JSON.parse(text)));
      });
      outgoing.on("error", reject).end(body);
    });
    http("artifactRegistry", async (req, res) => {
      const { access_token } = await send("http://" + process.env.GCE_METADATA_HOST + "/token", { headers: { "metadata-flavor": "Google" } });
      const headers = { authorization: "Bearer " + access_token };
      const { accessToken } = await send(process.env.ALIEN_IAM_CREDENTIALS_ENDPOINT + "${path}", { method: "POST", headers }, "{}");
      res.end(JSON.stringify({ password: accessToken }));
    });`,
};

/** The Cloud Function under the framework, called over HTTP behind the platform door. */
export const gcpSubject: OpenSubject = async (stubs) => {
  // The metadata server is on the machine itself, and speaks no TLS.
  const metadata = await startStub(() => ({ type: "application/json", body: JSON.stringify(token) }));
  const iam = await startStub(() => ({ type: "application/json", body: JSON.stringify(minted()) }), stubs);
  const email = "pipeline@vendor-project.iam.gserviceaccount.com";
  const caller = verifiedToken({ exp: Math.floor(Date.now() / 1_000) + 36_000 });
  const golden = goldenOf("public", { body: credentials, headers: { authorization: `Bearer ${caller}` } });
  return {
    name: "gcp",
    others,
    env: {
      GCE_METADATA_HOST: metadata.host,
      METADATA_SERVER_DETECTION: "assume-present",
      K_SERVICE: "artifact-registry",
      ALIEN_IAM_CREDENTIALS_ENDPOINT: iam.url,
      ALIEN_DOOR: "platform",
      ALIEN_IMAGES_BINDING: JSON.stringify({
        service: "gar",
        projectId: "vendor-project",
        location: "europe-west1",
        repositoryName: "images",
        pullServiceAccountEmail: account,
      }),
      ALIEN_ACCESS_RULES: rulesFor("gcp", email),
    },
    async run(file, env) {
      const result = await coldStart(file, "artifactRegistry", golden, env);
      return { ...result, minted: result.answer?.text.includes('"password"') ?? false };
    },
    stop() {
      metadata.stop();
      iam.stop();
    },
  };
};
