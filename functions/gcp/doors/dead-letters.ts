import { startCall } from "../../../core/call.ts";
import { doorCaller } from "../../../core/caller.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DeadLetters } from "../../../core/events.ts";
import type { Environment } from "../../../core/platform.ts";
import type { OwnIdentity } from "../auth.ts";
import { endpointOf, rest } from "../rest.ts";

/** A message as Pub/Sub accepts and delivers it. */
export interface PubsubMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

const topicName = /^projects\/[a-z0-9][a-z0-9.:-]*\/topics\/[A-Za-z][\w.~+%-]{2,254}$/;

/** The limits of a message's attributes (Pub/Sub, "Quotas and limits"). */
const limits = { attributes: 100, valueBytes: 1_024 } as const;

/**
 * Sends dead letters to a topic of Pub/Sub: each is the message as it came, with attributes that say why.
 *
 * @param env `ALIEN_DEAD_LETTER_TOPIC` names the topic, as `projects/{project}/topics/{topic}`; `ALIEN_PUBSUB_ENDPOINT` is
 *   the address of Pub/Sub where it is not Google's
 * @throws BINDING_CONFIG_INVALID where there is no topic, because no event may ever get lost
 */
export function pubsubDeadLetters(env: Environment, identity: OwnIdentity): DeadLetters<PubsubMessage> {
  const topic = env.ALIEN_DEAD_LETTER_TOPIC ?? "";
  if (!topicName.test(topic)) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", "ALIEN_DEAD_LETTER_TOPIC is not the name of a topic.", {
      hint: "Set it to projects/{project}/topics/{topic}, the topic for events that can never succeed.",
    });
  }
  const url = `${endpointOf(env, "ALIEN_PUBSUB_ENDPOINT", "pubsub.googleapis.com")}/v1/${topic}:publish`;
  return {
    async send({ data, attributes }, { code, message, hint }, requestId, signal) {
      const why = { code, reason: message, ...(hint !== undefined && { hint }), requestId };
      const letter = {
        data: data.toString("base64"),
        attributes: { ...keptAttributes(attributes, Object.keys(why).length), ...truncateValues(why) },
      };
      // The call repeats what may succeed later. A letter that arrives twice does no harm.
      const call = startCall({ requestId, caller: doorCaller("events"), signal, now: () => new Date() });
      await rest(identity, call, {
        what: "Pub/Sub publish",
        url,
        method: "POST",
        data: { messages: [letter] },
        needs: "pubsub.topics.publish on the topic for dead letters",
      });
    },
  };
}

/** The message's own attributes, as many as leave room for ours. Pub/Sub accepts from nobody those that it adds itself. */
function keptAttributes(attributes: PubsubMessage["attributes"], ours: number): Record<string, string> {
  const own = Object.entries(attributes).filter(([name]) => !name.startsWith("goog"));
  return Object.fromEntries(own.slice(0, limits.attributes - ours));
}

function truncateValues(attributes: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, truncate(value)]));
}

function truncate(value: string): string {
  const bytes = Buffer.from(value);
  if (bytes.byteLength <= limits.valueBytes) return value;
  // If the end is a part of a character, that part is dropped.
  return bytes.toString("utf8", 0, limits.valueBytes).replace(/\ufffd+$/, "");
}
