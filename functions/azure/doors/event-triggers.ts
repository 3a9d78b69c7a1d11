import { BareError, toArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import { logShut, type Suite, type SuiteOptions } from "../../../core/suite.ts";
import type { Receive } from "./events.ts";
import type { Registrar } from "./registrar.ts";
import { webhookFunction } from "./webhook.ts";

/**
 * The `events` door. To the host whatever is thrown is an error that it logs and for which it keeps the event: Event Grid
 * and Service Bus deliver it again, and in the end put it aside by themselves.
 */
export function registerTriggers(
  app: Registrar,
  reading: Promise<Suite>,
  env: Environment,
  options: SuiteOptions = {},
): void {
  // Every sender below is told, too.
  const opening = logShut(
    reading.then((suite) => open(suite, env)),
    env,
    options,
  );

  app.eventGrid("artifactRegistryEvents", {
    handler: (event, { invocationId }) => bared(invocationId, async () => (await opening).event(event, invocationId)),
  });
  if (env.ALIEN_EVENTS_QUEUE) {
    app.serviceBusQueue("artifactRegistryQueue", {
      queueName: "%ALIEN_EVENTS_QUEUE%",
      connection: "ALIEN_EVENTS",
      handler: (body, context) => bared(context.invocationId, async () => (await opening).message(body, context)),
    });
  }
  if (env.ALIEN_EVENT_GRID_TOPICS) {
    app.http("artifactRegistryWebhook", {
      route: "events",
      methods: ["OPTIONS", "POST"],
      authLevel: "anonymous",
      handler: webhookFunction(opening, env, options),
    });
  }
}

async function open(suite: Suite, env: Environment): Promise<Receive> {
  // Loaded only behind this door.
  const { createReceive } = await import("./events.ts");
  return createReceive(suite, env);
}

/** The host logs what is thrown: there is nothing in it that nobody may see. */
async function bared(requestId: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    throw new BareError(toArtifactRegistryError(thrown).toWire(requestId));
  }
}
