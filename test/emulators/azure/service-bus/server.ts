import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { bodyOf } from "../../aws/data-plane/request.ts";
import type { CallRecord } from "../call.ts";
import { AzureError } from "../errors.ts";
import { type Answer, answerCall } from "../http/answer.ts";
import { guarded, type Listening, listen } from "../http/listen.ts";
import type { World } from "../world.ts";
import { type Queues, queueId } from "./queues.ts";

const AUDIENCE = "https://servicebus.azure.net";
const SEND = "Microsoft.ServiceBus/namespaces/messages/send/action";
/** Bytes of a message on the Standard tier, properties included. */
const LARGEST = 256 * 1024;

/**
 * Sends to queues, as Service Bus' REST API takes it.
 * @see https://learn.microsoft.com/rest/api/servicebus/send-message-to-queue
 */
export function serveServiceBus(world: World, queues: Queues): Promise<Listening> {
  return listen(guarded((req, res) => handle(world, queues, req, res)));
}

async function handle(world: World, queues: Queues, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const [, queue = ""] = /^\/([^?]+)\/messages$/.exec(req.url ?? "") ?? [];
  const body = await bodyOf(req);
  const record = world.record("servicebus", "send", { queue }, queueId(queues, queue));
  await answerCall(world, record, { req, res, form }, () => send(world, queues, { req, queue, body, record }));
}

async function send(
  world: World,
  queues: Queues,
  { req, queue, body, record }: { req: IncomingMessage; queue: string; body: Buffer; record: CallRecord },
): Promise<Answer> {
  if (req.method !== "POST" || queue === "") throw new AzureError(400, "400", "Bad request.");
  const [, token] = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? "") ?? [];
  const found = token === undefined ? "missing" : await world.entra.read(token, [AUDIENCE]);
  if (typeof found === "string") throw new AzureError(401, "401", `The token is ${found}.`);
  record.principal = found.principal.principalId;
  const scope = queueId(queues, queue);
  const question = { principalId: found.principal.principalId, action: SEND, kind: "data", scope } as const;
  const allowed = world.assignments.allows(question);
  record.authorizations.push({ action: SEND, scope, allowed });
  if (!allowed) throw new AzureError(401, "401", "Unauthorized access. 'Send' claim(s) are required.");
  if (!queues.names.has(queue)) throw new AzureError(410, "410", "The queue does not exist.");
  const properties = propertiesIn(req.headers);
  if (body.length + JSON.stringify(properties).length > LARGEST) throw new AzureError(403, "403", "Too large.");
  queues.sent.push({ queue, body, contentType: req.headers["content-type"], properties });
  return { status: 201 };
}

const STANDARD =
  /^(?:authorization|content-.*|host|connection|accept.*|user-agent|transfer-encoding|sec-.*|brokerproperties)$/;

/** Each header that HTTP does not know is a property; a text stands in double quotes. */
function propertiesIn(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const own = Object.entries(headers).filter(([name]) => !STANDARD.test(name));
  return Object.fromEntries(
    own.map(([name, value]) => {
      const [, text] = /^"([^"\\]*)"$/.exec(String(value)) ?? [];
      if (text === undefined) throw new AzureError(400, "400", `The property ${name} is no text in quotes.`);
      return [name, text];
    }),
  );
}

const form = ({ status, code, message, headers }: AzureError): Answer => ({
  status,
  headers,
  body: `<Error><Code>${code}</Code><Detail>${message}</Detail></Error>`,
});
