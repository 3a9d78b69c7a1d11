import { createHash, randomUUID } from "node:crypto";
import type { Call, Handler } from "../call.ts";
import { AwsError } from "../wire/errors.ts";
import type { Queue } from "./queue.ts";

const MAX_MESSAGE = 1024 * 1024;

export const SQS: Readonly<Record<string, Handler>> = {
  SendMessage: sendMessage,
  ReceiveMessage: receiveMessage,
  DeleteMessage: deleteMessage,
};

async function sendMessage(call: Call): Promise<object> {
  const queue = await authorizedQueue(call);
  const body = call.input.text("MessageBody");
  if (body.length === 0 || Buffer.byteLength(body) > MAX_MESSAGE) {
    throw call.error(
      "InvalidParameterValue",
      "One or more parameters are invalid. Reason: Message must be 1 byte to 1 MiB.",
    );
  }
  const id = randomUUID();
  const attributes = (call.input.values.MessageAttributes ?? {}) as Record<string, unknown>;
  queue.messages.push({ id, body, attributes, receiptHandle: undefined, visibleAt: 0 });
  return { MessageId: id, MD5OfMessageBody: md5(body) };
}

async function receiveMessage(call: Call): Promise<object> {
  const queue = await authorizedQueue(call);
  const now = call.world.clock().getTime();
  const hideMs = (call.input.optionalNumber("VisibilityTimeout") ?? 30) * 1000;
  const most = call.input.optionalNumber("MaxNumberOfMessages") ?? 1;
  const taken = queue.messages.filter(({ visibleAt }) => visibleAt <= now).slice(0, most);
  const Messages = taken.map((message) => {
    message.visibleAt = now + hideMs;
    message.receiptHandle = randomUUID();
    const { id, body, attributes, receiptHandle } = message;
    return {
      MessageId: id,
      ReceiptHandle: receiptHandle,
      Body: body,
      MD5OfBody: md5(body),
      MessageAttributes: attributes,
    };
  });
  return Messages.length === 0 ? {} : { Messages };
}

async function deleteMessage(call: Call): Promise<object> {
  const queue = await authorizedQueue(call);
  const handle = call.input.text("ReceiptHandle");
  const index = queue.messages.findIndex(({ receiptHandle }) => receiptHandle === handle);
  if (index >= 0) queue.messages.splice(index, 1);
  return {};
}

async function authorizedQueue(call: Call): Promise<Queue> {
  const url = call.input.text("QueueUrl");
  const [, account = call.account, name = ""] = /\/(\d{12})\/([\w.-]+)$/.exec(url) ?? [];
  const resource = `arn:${call.world.directory.partition}:sqs:${call.region}:${account}:${name}`;
  await call.authorize({ action: `sqs:${call.record.action}`, resource, resourceAccount: account });
  const queue = call.world.queues.get(resource);
  if (queue === undefined) throw new AwsError("QueueDoesNotExist", "The specified queue does not exist.");
  return queue;
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
