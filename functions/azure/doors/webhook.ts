import type { HttpHandler, HttpRequest, HttpResponseInit } from "@azure/functions";
import * as v from "valibot";
import { ArtifactRegistryError, invalidInput, toArtifactRegistryError } from "../../../core/errors.ts";
import { readJson } from "../../../core/json.ts";
import type { Environment } from "../../../core/platform.ts";
import { openAtStart, type SuiteOptions } from "../../../core/suite.ts";
import type { Receive } from "./events.ts";
import { createPlatformCaller } from "./platform-caller.ts";

/** The role by which Event Grid may deliver to a webhook (Microsoft Learn, "Secure WebHook delivery with Entra ID"). */
const defaultRole = "AzureEventGridSecureWebhookSubscriber";

/** The names by which Event Grid introduces itself in the handshake of CloudEvents, in each cloud that has it. */
const origins = ["eventgrid.azure.net", "eventgrid.azure.us", "eventgrid.azure.cn"];

/** The status that makes Event Grid deliver an event again. After some others it would not. */
const retryStatus = 503;

const validation = v.pipe(
  v.array(
    v.looseObject({
      topic: v.string(),
      eventType: v.literal("Microsoft.EventGrid.SubscriptionValidationEvent"),
      data: v.looseObject({ validationCode: v.pipe(v.string(), v.maxLength(1_024)) }),
    }),
  ),
  v.length(1),
);

/**
 * The webhook, for topics that deliver to a URL and not to the trigger. Whoever has the role may subscribe it and deliver to
 * it. In Event Grid's own schema the topic must also be one of those that the environment names.
 *
 * @param opened gives what handles events, or rejects while it cannot be opened
 * @param env `ALIEN_EVENT_GRID_TOPICS`, resource ids, separated by commas; and what `createPlatformCaller` reads
 */
export function webhookFunction(
  opened: () => Promise<Receive>,
  env: Environment,
  options: SuiteOptions = {},
): HttpHandler {
  const topics = (env.ALIEN_EVENT_GRID_TOPICS ?? "").split(",").flatMap((each) => each.trim().toLowerCase() || []);
  // The triggers beside it need no caller, so they stay open if callers cannot be told apart here.
  const platformCaller = openAtStart(() => createPlatformCaller(env, defaultRole), env, options);
  return async (request, { invocationId }) => {
    try {
      const receive = await opened();
      const callerOf = await platformCaller();
      // Refuses whom the platform does not know. Who delivers decides nothing else.
      await callerOf(request.headers);
      if (request.method === "OPTIONS") return allowOrigin(request);
      const body = await readJson(request.body as ReadableStream<Uint8Array> | null);
      if (v.is(validation, body)) return { status: 200, jsonBody: validationAnswer(body, topics) };
      return await deliver(body, topics, receive, invocationId);
    } catch (thrown) {
      const error = toArtifactRegistryError(thrown);
      // If the operator can mend it, another delivery may succeed.
      return errorResult(
        error,
        invocationId,
        error.code === "BINDING_CONFIG_INVALID" ? retryStatus : error.httpStatusCode,
      );
    }
  };
}

/** The handshake of CloudEvents (CloudEvents, "HTTP 1.1 Web Hooks", 4). */
function allowOrigin({ headers }: HttpRequest): HttpResponseInit {
  const origin = headers.get("webhook-request-origin")?.toLowerCase() ?? "";
  if (!origins.includes(origin)) throw topicDenied("Only Event Grid may subscribe.");
  return { status: 200, headers: { allow: "POST", "webhook-allowed-origin": origin, "webhook-allowed-rate": "*" } };
}

/** The handshake of Event Grid's own schema. */
function validationAnswer([event]: v.InferOutput<typeof validation>, topics: readonly string[]): object {
  if (event === undefined || !topics.includes(event.topic.toLowerCase()))
    throw topicDenied("This topic may not subscribe.");
  return { validationResponse: event.data.validationCode };
}

/** Handles all events of a delivery. If any must be delivered again, all are, since handling an event twice does no harm. */
async function deliver(
  body: unknown,
  topics: readonly string[],
  receive: Receive,
  requestId: string,
): Promise<HttpResponseInit> {
  const events: unknown[] = Array.isArray(body) ? body : [body];
  if (events.length === 0) throw invalidInput("The delivery holds no event.");
  for (const event of events) {
    const topic = v.is(v.looseObject({ eventType: v.string() }), event) ? event.topic : undefined;
    if (topic === undefined && v.is(v.looseObject({ specversion: v.string() }), event)) continue;
    if (typeof topic !== "string" || !topics.includes(topic.toLowerCase()))
      throw topicDenied("This topic may not deliver.");
  }
  const outcomes = await Promise.allSettled(events.map((event) => receive.event(event, requestId)));
  const failed = outcomes.find(({ status }) => status === "rejected");
  if (failed?.status !== "rejected") return { status: 204 };
  return errorResult(toArtifactRegistryError(failed.reason), requestId, retryStatus);
}

function topicDenied(message: string): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", message, {
    hint: "Name the topic's resource id in ALIEN_EVENT_GRID_TOPICS.",
  });
}

function errorResult(error: ArtifactRegistryError, requestId: string, status: number): HttpResponseInit {
  return {
    status,
    jsonBody: error.toWire(requestId),
    headers: { "x-request-id": requestId, "cache-control": "no-store" },
  };
}
