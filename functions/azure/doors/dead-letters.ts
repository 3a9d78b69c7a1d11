import { startCall } from "../../../core/call.ts";
import { doorCaller } from "../../../core/caller.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DeadLetters } from "../../../core/events.ts";
import { createHttpClient } from "../../../core/http-client.ts";
import type { Environment } from "../../../core/platform.ts";
import type { OwnIdentity } from "../identity.ts";
import type { Letter } from "./event-shapes.ts";

/** Of Service Bus in every cloud. */
const scope = "https://servicebus.azure.net/.default";
const what = "Service Bus send";

/**
 * Dead letters in a queue of Service Bus: the event as it came, with properties that say why. A worker in Node cannot put a
 * message into a queue's own dead letters, and Event Grid has none to put one into (docs/decisions/0016).
 *
 * @param env `ALIEN_DEAD_LETTER_QUEUE_URL`, as `https://{namespace}.servicebus.windows.net/{queue}`
 * @throws BINDING_CONFIG_INVALID where there is no queue: an event must never have nowhere to go
 */
export function serviceBusDeadLetters(env: Environment, identity: OwnIdentity): DeadLetters<Letter> {
  const url = `${queueUrl(env)}/messages`;
  const http = createHttpClient({ env });
  return {
    async send({ body, contentType }, { code, message, hint }, requestId, signal) {
      const why = { code, reason: message, ...(hint !== undefined && { hint }), requestId };
      // Repeated where it may succeed: a letter that comes twice does no harm.
      const call = startCall({ requestId, caller: doorCaller("events"), signal, now: () => new Date() });
      await call.upstream(what, async (limit) => {
        const { token } = await identity.getToken(scope, { abortSignal: limit });
        const headers = { authorization: `Bearer ${token}`, "content-type": contentType, ...properties(why) };
        const post = { method: "POST", headers, body, signal: limit };
        const response = await http.request(url, post).catch((cause: unknown) => {
          limit.throwIfAborted();
          throw refusal(0, cause);
        });
        if (response.status !== 201) throw refusal(response.status);
      });
    },
  };
}

function queueUrl({ ALIEN_DEAD_LETTER_QUEUE_URL: text = "" }: Environment): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && url.hostname === "127.0.0.1");
  if (url !== undefined && isSafe && /^\/[\w./-]*\w\/?$/.test(url.pathname)) return text.replace(/\/$/, "");
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_DEAD_LETTER_QUEUE_URL is not the URL of a queue.", {
    hint: "Set it to https://{namespace}.servicebus.windows.net/{queue}: where events go that can never succeed.",
    context: { variable: "ALIEN_DEAD_LETTER_QUEUE_URL" },
  });
}

/** Properties of one's own are headers, texts in double quotes (Service Bus REST, "Send Message"). */
function properties(own: Record<string, string>): Record<string, string> {
  // Whatever no header can hold, or would end the text, gives way: a letter must not be lost over it.
  const plain = (text: string) => text.replaceAll('"', "'").replace(/[^\x20-\x7e]|\\/g, "?");
  return Object.fromEntries(Object.entries(own).map(([name, value]) => [name, `"${plain(value).slice(0, 1_024)}"`]));
}

function refusal(status: number, cause?: unknown): ArtifactRegistryError {
  const refuse = (...[code, said, retryable, hint]: [ArtifactRegistryError["code"], string, boolean, string?]) =>
    new ArtifactRegistryError(code, `${what} ${said}`, { retryable, ...(hint !== undefined && { hint }), cause });
  if (status === 0) return refuse("SERVICE_UNAVAILABLE", "got no answer.", true);
  if (status === 429) return refuse("RATE_LIMIT_EXCEEDED", "was throttled.", true);
  if (status >= 500) return refuse("SERVICE_UNAVAILABLE", "failed.", true);
  if (status === 404 || status === 410) {
    return refuse("BINDING_CONFIG_INVALID", "found no such queue.", false, "See ALIEN_DEAD_LETTER_QUEUE_URL.");
  }
  if (status === 401) {
    const hint = "The function's identity needs Azure Service Bus Data Sender on the queue for dead letters.";
    return refuse("ACCESS_DENIED", "was denied.", false, hint);
  }
  // Service Bus REST, "Send Message": its quota, or the message's size.
  if (status === 403)
    return refuse("QUOTA_EXCEEDED", "is too much: the queue is full, or the letter too large.", false);
  return refuse("CLOUD_PLATFORM_ERROR", `failed with ${status}.`, false);
}
