import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answerJson, type Issuer } from "./issuer.ts";

/** What a job of GitHub Actions asks for its own OIDC token (docs.github.com, "OpenID Connect reference"). */
export interface GithubRunner {
  /** What a job has in its environment that may ask: `id-token: write`. */
  readonly env: { readonly ACTIONS_ID_TOKEN_REQUEST_URL: string; readonly ACTIONS_ID_TOKEN_REQUEST_TOKEN: string };
  /** The audiences that tokens were asked for, in their order. */
  readonly askedFor: (string | null)[];
  stop(): Promise<void>;
}

/** @param subject what the next job is, as its token tells */
export async function startGithubRunner(issuer: Issuer, subject: () => string): Promise<GithubRunner> {
  const own = "the-job's-own";
  const askedFor: (string | null)[] = [];
  const server = createServer(async (request, response) => {
    if (request.headers.authorization !== `Bearer ${own}`) return answerJson(response, {}, 401);
    const audience = new URL(request.url ?? "", "http://runner").searchParams.get("audience");
    askedFor.push(audience);
    answerJson(response, { value: await issuer.sign({ sub: subject(), aud: audience }) });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: own,
    },
    askedFor,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
