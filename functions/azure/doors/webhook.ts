import type { HttpHandler, HttpRequest, HttpResponseInit } from "@azure/functions";
import * as v from "valibot";
import { ArtifactRegistryError, invalidInput, toArtifactRegistryError } from "../../../core/errors.ts";
import { readJson } from "../../../core/json.ts";
import type { Environment } from "../../../core/platform.ts";
import { logShut, type SuiteOptions } from "../../../core/suite.ts";
import { createFindCaller, type FindCaller } from "./client-principal.ts";
import type { Receive } from "./events.ts";

/** The role by which Event Grid may deliver to a webhook (Microsoft Learn, "Secure WebHook delivery with Entra ID"). */
const usualRole = "AzureEventGridSecureWebhookSubscriber";

/** Event Grid in the clouds that it is in: what it calls itself in the handshake of CloudEvents. */
const origins = ["eventgrid.azure.net", "eventgrid.azure.us", "eventgrid.azure.cn"];

/** The status by which an event stays with Event Grid: after some others it would not come again. */
const comeAgain = 503;

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
 * The webhook: for topics that deliver to a URL, and not to the trigger. Who may subscribe it, and deliver, is who has the
 * role; in Event Grid's own schema the topic must be one of those that are named, too.
 *
 * @param env `ALIEN_EVENT_GRID_TOPICS`, resource ids, separated by commas; and those of `createFindCaller`
 */
export function webhookFunction(opening: Promise<Receive>, env: Environment, options: SuiteOptions = {}): HttpHandler {
  const topics = (env.ALIEN_EVENT_GRID_TOPICS ?? "").split(",").flatMap((each) => each.trim().toLowerCase() || []);
  // The triggers beside it do not need a caller, and stay open where nobody can be told here.
  const finding = logShut(findingCaller(env), env, options);
  return async (request, { invocationId }) => {
    try {
      const receive = await opening;
      const findCaller = await finding;
      findCaller(request.headers);
      if (request.method === "OPTIONS") return allowOrigin(request);
      const body = await readJson(request.body as ReadableStream<Uint8Array> | null);
      if (v.is(validation, body)) return { status: 200, jsonBody: validate(body, topics) };
      return await deliver(body, topics, receive, invocationId);
    } catch (thrown) {
      const error = toArtifactRegistryError(thrown);
      // What the operator can mend is worth another delivery.
      return told(error, invocationId, error.code === "BINDING_CONFIG_INVALID" ? comeAgain : error.httpStatusCode);
    }
  };
}

async function findingCaller(env: Environment): Promise<FindCaller> {
  return createFindCaller(env, usualRole);
}

/** The handshake of CloudEvents (CloudEvents, "HTTP 1.1 Web Hooks", 4). */
function allowOrigin({ headers }: HttpRequest): HttpResponseInit {
  const origin = headers.get("webhook-request-origin")?.toLowerCase() ?? "";
  if (!origins.includes(origin)) throw refused("Only Event Grid may subscribe.");
  return { status: 200, headers: { allow: "POST", "webhook-allowed-origin": origin, "webhook-allowed-rate": "*" } };
}

/** The handshake of Event Grid's own schema. */
function validate([event]: v.InferOutput<typeof validation>, topics: readonly string[]): object {
  if (event === undefined || !topics.includes(event.topic.toLowerCase()))
    throw refused("This topic may not subscribe.");
  return { validationResponse: event.data.validationCode };
}

/** All of a delivery, or what of it shall come again; what is done twice does no harm. */
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
      throw refused("This topic may not deliver.");
  }
  const outcomes = await Promise.allSettled(events.map((event) => receive.event(event, requestId)));
  const failed = outcomes.find(({ status }) => status === "rejected");
  if (failed?.status !== "rejected") return { status: 204 };
  return told(toArtifactRegistryError(failed.reason), requestId, comeAgain);
}

function refused(message: string): ArtifactRegistryError {
  return new ArtifactRegistryError("ACCESS_DENIED", message, {
    hint: "Name the topic's resource id in ALIEN_EVENT_GRID_TOPICS.",
  });
}

function told(error: ArtifactRegistryError, requestId: string, status: number): HttpResponseInit {
  return {
    status,
    jsonBody: error.toWire(requestId),
    headers: { "x-request-id": requestId, "cache-control": "no-store" },
  };
}
