import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { startCall } from "../../../core/call.ts";
import { createExternalRegistry } from "../../../functions/kubernetes/external/adapter.ts";
import { listen, urlOf } from "../../../oci/http/listening.ts";

/** Answers as a registry that asks nobody for credentials, whichever host is meant. */
async function startProxy() {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end("{}");
  });
  await listen(server, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: urlOf(server, "127.0.0.1"), asked };
}

function openRegistry(env: Record<string, string>) {
  const binding = { service: "external", registryUrl: "http://registry.example", plainHttp: true } as const;
  return createExternalRegistry({ name: "images", binding, derived: false, others: [], env });
}

const call = () =>
  startCall({
    requestId: "r",
    caller: { issuer: "door", subject: "test" },
    signal: new AbortController().signal,
    now: () => new Date(),
    retry: { attempts: 1, baseMs: 0, capMs: 0 },
  });

test("the registry is asked through the proxy that the environment names", async () => {
  const proxy = await startProxy();
  await openRegistry({ HTTP_PROXY: proxy.url }).health(call());
  expect(proxy.asked).toEqual(["http://registry.example/v2/"]);
});

test("NO_PROXY names a registry that is asked directly", async () => {
  const proxy = await startProxy();
  // Nobody answers to a reserved name.
  const { status } = await openRegistry({ HTTP_PROXY: proxy.url, NO_PROXY: "registry.example" }).health(call());
  expect([status, proxy.asked]).toEqual(["unhealthy", []]);
});
