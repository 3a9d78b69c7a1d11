import { startGithubRunner } from "../../../support/github-runner.ts";
import { startIssuer } from "../../../support/issuer.ts";
import { type Guests, unnamed, unverified } from "../place.ts";

export interface Github extends Guests {
  stop(): Promise<void>;
}

/** Jobs of GitHub Actions: each may ask its runner for a token. */
export async function onGithub(audience: string): Promise<Github> {
  const subject = "repo:acme@1234567/app@7654321:ref:refs/heads/main";
  const issuer = await startIssuer(audience);
  const job = await startGithubRunner(issuer, () => subject);
  const pullRequest = await startGithubRunner(issuer, () => "repo:acme@1234567/app@7654321:pull_request");
  const auth = { type: "github", audience } as const;
  return {
    form: "bearer",
    trusted: { issuer: issuer.url, audience, subject },
    worker: { auth, env: job.env },
    seenAs: [subject],
    refused: {
      "of a pull request": { auth, env: pullRequest.env, ...unnamed },
      "of GitHub whose token is for another": { auth: { ...auth, audience: "another" }, env: job.env, ...unverified },
      "of GitHub that may not ask for a token": {
        auth,
        env: {},
        code: "AUTHENTICATION_ERROR",
        hint: /id-token: write/,
      },
    },
    async stop() {
      await Promise.all([job.stop(), pullRequest.stop(), issuer.stop()]);
    },
  };
}
