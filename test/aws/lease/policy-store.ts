import { createServer, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** What a test does with requests at the moment when they come. */
export type Watch = (seen: { readonly method: string; readonly worker: string; readonly repository: string }) => void;

/**
 * Keeps policies as ECR does: a document is overwritten as a whole, there is no revision, and a request that has
 * arrived is applied whether or not its sender still waits.
 */
export interface PolicyStore {
  readonly url: string;
  readonly documents: Map<string, string>;
  watch: Watch;
  stop(): Promise<void>;
}

/** @param delayMs no answer takes longer than twice this */
export async function startPolicyStore(delayMs: number): Promise<PolicyStore> {
  const documents = new Map<string, string>();
  const delay = () => sleep(Math.random() * delayMs);
  const server = createServer(async (request, response) => {
    const { method = "", url: repository = "" } = request;
    const body = method === "PUT" ? await bodyOf(request) : "";
    store.watch({ method, repository, worker: String(request.headers["x-worker"]) });
    await delay();
    if (method === "PUT") documents.set(repository, body);
    const document = documents.get(repository);
    await delay();
    response.writeHead(document === undefined ? 404 : 200).end(document);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const store: PolicyStore = {
    url: `http://127.0.0.1:${address.port}`,
    documents,
    watch: () => {},
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return store;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}
