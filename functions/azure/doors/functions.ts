import type { app } from "@azure/functions";
import { BareError, toArtifactRegistryError } from "../../../core/errors.ts";
import { once } from "../../../core/once.ts";
import type { Environment } from "../../../core/platform.ts";
import { openAtStart, readSuite, type Suite, type SuiteOptions } from "../../../core/suite.ts";
import { platform } from "../index.ts";
import type { Receive } from "./events.ts";
import { httpFunction } from "./http.ts";

/** Where functions are registered: with the host, or with a test. */
export type Registrar = Pick<typeof app, "http" | "eventGrid" | "serviceBusQueue">;

/** All methods that the worker can make a request of. It cannot for TRACE and CONNECT, and answers these itself. */
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/**
 * Registers the functions of the door that the environment names, and no others. It never throws: a configuration that
 * cannot be used is reported to every caller, and is read again at the next call.
 */
export function registerFunctions(app: Registrar, env: Environment, options: SuiteOptions = {}): void {
  const suite = once(() => readSuite(platform, env, options));
  if (env.ALIEN_DOOR === "events") {
    registerTriggers(app, suite, env, options);
    return;
  }
  app.http("artifactRegistry", {
    // Every path, so that all answers are ours. Function keys would be shared secrets, so there are none.
    route: "{*path}",
    methods: [...methods],
    authLevel: "anonymous",
    handler: httpFunction(suite, env, options),
  });
}

/**
 * Registers the functions of the `events` door. The host logs whatever a trigger throws, and keeps the event: Event Grid
 * and Service Bus deliver it again, and finally put it aside themselves.
 */
function registerTriggers(app: Registrar, suite: () => Promise<Suite>, env: Environment, options: SuiteOptions): void {
  const opened = openAtStart(async () => open(await suite(), env), env, options);

  app.eventGrid("artifactRegistryEvents", {
    handler: (event, { invocationId }) => bared(invocationId, async () => (await opened()).event(event, invocationId)),
  });
  if (env.ALIEN_EVENTS_QUEUE) {
    app.serviceBusQueue("artifactRegistryQueue", {
      queueName: "%ALIEN_EVENTS_QUEUE%",
      connection: "ALIEN_EVENTS",
      handler: (body, context) => bared(context.invocationId, async () => (await opened()).message(body, context)),
    });
  }
  if (env.ALIEN_EVENT_GRID_TOPICS) {
    // The other doors do without it.
    const loading = import("./webhook.ts").then(({ webhookFunction }) => webhookFunction(opened, env, options));
    app.http("artifactRegistryWebhook", {
      route: "events",
      methods: ["OPTIONS", "POST"],
      authLevel: "anonymous",
      handler: async (request, context) => (await loading)(request, context),
    });
  }
}

async function open(suite: Suite, env: Environment): Promise<Receive> {
  // The other doors do without it.
  const { createReceive } = await import("./events.ts");
  return createReceive(suite, env);
}

/** The host logs what is thrown, so the error holds nothing that its readers may not see. */
async function bared(requestId: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    throw new BareError(toArtifactRegistryError(thrown).toWire(requestId));
  }
}
