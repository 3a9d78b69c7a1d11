import { startCall } from "../../../core/call.ts";
import { doorCaller } from "../../../core/caller.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DeadLetters } from "../../../core/events.ts";
import { createHttpClient } from "../../../core/http-client.ts";
import type { Environment } from "../../../core/platform.ts";
import type { OwnIdentity } from "../identity.ts";

/** The scope of a token for Service Bus, which is the same in every cloud. */
const scope = "https://servicebus.azure.net/.default";
const what = "Service Bus send";

/** An event that can never succeed: its text, and the type of that text. */
export interface DeadLetter {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly contentType: string;
}

/**
 * Sends dead letters to a queue of Service Bus: the event as it came, with properties that say why. A worker in Node cannot
 * put a message into a queue's own dead letters, and Event Grid has none to put one into (docs/decisions/0016).
 *
 * @param env `ALIEN_DEAD_LETTER_QUEUE_URL`, as `https://{namespace}.servicebus.windows.net/{queue}`
 * @throws BINDING_CONFIG_INVALID where it is not set: without the queue, such an event would have nowhere to go
 */
export function serviceBusDeadLetters(env: Environment, identity: OwnIdentity): DeadLetters<DeadLetter> {
  const url = `${queueUrl(env)}/messages`;
  const http = createHttpClient({ env });
  return {
    async send({ body, contentType }, { code, message, hint }, requestId, signal) {
      const reason = { code, reason: message, ...(hint !== undefined && { hint }), requestId };
      // The call repeats a request that may succeed later. A letter that arrives twice does no harm.
      const call = startCall({ requestId, caller: doorCaller("events"), signal, now: () => new Date() });
      await call.upstream(what, async (limit) => {
        const { token } = await identity.getToken(scope, { abortSignal: limit });
        const headers = { authorization: `Bearer ${token}`, "content-type": contentType, ...propertyHeaders(reason) };
        const post = { method: "POST", headers, body, signal: limit };
        const response = await http.request(url, post).catch((cause: unknown) => {
          limit.throwIfAborted();
          throw sendError(0, cause);
        });
        if (response.status !== 201) throw sendError(response.status);
      });
    },
  };
}

function queueUrl({ ALIEN_DEAD_LETTER_QUEUE_URL: text = "" }: Environment): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && url.hostname === "127.0.0.1");
  if (url !== undefined && isSafe && /^\/[\w./-]*\w\/?$/.test(url.pathname)) return text.replace(/\/$/, "");
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_DEAD_LETTER_QUEUE_URL is not the URL of a queue.", {
    hint: "Set it to https://{namespace}.servicebus.windows.net/{queue}, where events go that can never succeed.",
    context: { variable: "ALIEN_DEAD_LETTER_QUEUE_URL" },
  });
}

/** Custom properties are headers whose values are in double quotes (Service Bus REST, "Send Message"). */
function propertyHeaders(properties: Record<string, string>): Record<string, string> {
  // We replace characters that a header cannot hold, and those that would end the value, because no letter may be lost.
  const plain = (text: string) => text.replaceAll('"', "'").replace(/[^\x20-\x7e]|\\/g, "?");
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, `"${plain(value).slice(0, 1_024)}"`]),
  );
}

/** @param status 0 if no answer came */
function sendError(status: number, cause?: unknown): ArtifactRegistryError {
  const error = (...[code, message, retryable, hint]: [ArtifactRegistryError["code"], string, boolean, string?]) =>
    new ArtifactRegistryError(code, `${what} ${message}`, { retryable, hint, cause });
  if (status === 0) return error("SERVICE_UNAVAILABLE", "got no answer.", true);
  if (status === 429) return error("RATE_LIMIT_EXCEEDED", "was throttled.", true);
  if (status >= 500) return error("SERVICE_UNAVAILABLE", "failed.", true);
  if (status === 404 || status === 410) {
    return error("BINDING_CONFIG_INVALID", "found no such queue.", false, "Check ALIEN_DEAD_LETTER_QUEUE_URL.");
  }
  if (status === 401) {
    const hint = "The function's identity needs Azure Service Bus Data Sender on the queue for dead letters.";
    return error("ACCESS_DENIED", "was denied.", false, hint);
  }
  // Service Bus REST, "Send Message": the queue's quota, or the size of the message.
  if (status === 403)
    return error("QUOTA_EXCEEDED", "was refused: the queue is full, or the letter is too large.", false);
  return error("CLOUD_PLATFORM_ERROR", `failed with ${status}.`, false);
}
