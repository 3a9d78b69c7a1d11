import { GcpError } from "../errors.ts";
import { emptyPolicy } from "../iam/policy.ts";
import { type Json, listOf, objectOf, onlyFields, permit, type Request, type Route, textOf } from "./route.ts";

const TOPIC = /^\/v1\/(projects\/([^/]+)\/topics\/([^/:]+))$/;

const service = "pubsub" as const;
export const PUBSUB: readonly Route[] = [
  { service, action: "CreateTopic", method: "PUT", path: TOPIC, handle: create },
  {
    service,
    action: "Publish",
    method: "POST",
    path: /^\/v1\/(projects\/([^/]+)\/topics\/([^/:]+)):publish$/,
    handle: publish,
  },
];

function create(request: Request): Json {
  const { world, path } = request;
  const [name = "", project = ""] = path;
  permit(request, "pubsub.topics.create", { name: `projects/${project}`, project, policy: undefined });
  if (world.topics.has(name))
    throw new GcpError("ALREADY_EXISTS", `Resource already exists in the project (resource=${name}).`);
  world.topics.set(name, { policy: emptyPolicy() });
  return { name };
}

function publish(request: Request): Json {
  const { world, path, body } = request;
  const [name = "", project = ""] = path;
  permit(request, "pubsub.topics.publish", { name, project, policy: world.topics.get(name)?.policy });
  if (!world.topics.has(name)) throw new GcpError("NOT_FOUND", `Resource not found (resource=${name}).`);
  onlyFields(body, "messages");
  const messages = listOf(body, "messages") as readonly Json[];
  if (messages.length === 0) throw new GcpError("INVALID_ARGUMENT", "The value for message_count is too small.");
  const taken = messages.map((message, index) => {
    onlyFields(message, "data", "attributes", "orderingKey");
    const data = textOf(message, "data");
    const attributes = objectOf(message, "attributes") as Readonly<Record<string, string>>;
    if (data === "" && Object.keys(attributes).length === 0) {
      throw new GcpError(
        "INVALID_ARGUMENT",
        "Some messages in the publish request are empty: data or attributes are required.",
      );
    }
    checkAttributes(attributes);
    const bytes = Buffer.from(data, "base64");
    if (bytes.toString("base64") !== data)
      throw new GcpError(
        "INVALID_ARGUMENT",
        "Invalid value at 'messages[].data' (TYPE_BYTES), Base64 decoding failed.",
      );
    return { topic: name, messageId: String(world.published.length + index + 1), data: bytes.toString(), attributes };
  });
  world.published.push(...taken);
  return { messageIds: taken.map(({ messageId }) => messageId) };
}

/** Limits of a message's attributes (Pub/Sub, "Quotas and limits"); names that begin with goog are Google's. */
function checkAttributes(attributes: Json): void {
  const entries = Object.entries(attributes);
  const bad = entries.find(
    ([name, value]) =>
      name === "" ||
      name.startsWith("goog") ||
      Buffer.byteLength(name) > 256 ||
      typeof value !== "string" ||
      Buffer.byteLength(value) > 1_024,
  );
  if (entries.length <= 100 && bad === undefined) return;
  throw new GcpError(
    "INVALID_ARGUMENT",
    bad === undefined
      ? "The request contains too many attributes."
      : `One or more messages contain attributes that are not valid: ${JSON.stringify(bad[0])}.`,
  );
}
