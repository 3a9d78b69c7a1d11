import * as v from "valibot";
import { type EventOutcome, finishDelivery, handleEvent } from "../../../core/events.ts";
import type { Environment } from "../../../core/platform.ts";
import { accountOf } from "../names.ts";
import { sqsDeadLetters } from "./dead-letters.ts";
import { type EventBridgeEvent, eventBridgeEvent, type SqsEvent, sqsEvent, toCloudEvent } from "./event-shapes.ts";
import { chain, type Invocation, type LambdaHandler, shape, throwErrors } from "./middleware.ts";
import { handleReplication, isReplication } from "./replication.ts";
import type { Suite } from "./suite.ts";

/** Tells SQS which messages of a batch it must deliver again. */
interface BatchResult {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/**
 * Serves the `events` door, which takes events of EventBridge and batches of an SQS queue. An event that may succeed later is
 * delivered again: its error is thrown, or the answer to the batch names it. An event that can never succeed goes to the dead
 * letters with the reason.
 *
 * @throws BINDING_CONFIG_INVALID where there is no queue for dead letters
 */
export function eventHandler(suite: Suite, env: Environment): LambdaHandler {
  const deadLetters = sqsDeadLetters(env.ALIEN_DEAD_LETTER_QUEUE_URL, suite.region);
  const { now } = suite.application;

  /** Handles one event, which came as this text. @throws the error of an event that must be delivered again */
  async function deliver(event: unknown, text: string, invocation: Invocation, messageId?: string): Promise<void> {
    const { requestId, signal } = invocation;
    const delivery = { event: text, requestId, signal, messageId };
    await finishDelivery(await handleOne(suite, event, invocation), delivery, {
      deadLetters,
      log: suite.eventLog,
      now,
    });
  }

  async function deliverBatch({ Records }: SqsEvent, invocation: Invocation): Promise<BatchResult> {
    const outcomes = await Promise.allSettled(
      Records.map(({ body, messageId }) => deliver(parse(body), body, invocation, messageId)),
    );
    const failed = Records.filter((_, index) => outcomes[index]?.status === "rejected");
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  }

  const takes = shape(v.union([sqsEvent, eventBridgeEvent]), "events of EventBridge and batches of an SQS queue");
  return chain<SqsEvent | EventBridgeEvent>([throwErrors(), takes], (event, invocation) =>
    v.is(sqsEvent, event) ? deliverBatch(event, invocation) : deliver(event, JSON.stringify(event), invocation),
  );
}

async function handleOne(suite: Suite, event: unknown, invocation: Invocation): Promise<EventOutcome> {
  const { requestId, signal, functionArn } = invocation;
  if (!v.is(eventBridgeEvent, event)) return handleEvent(suite.application, event, { requestId, signal });
  if (!isReplication(event)) return handleEvent(suite.application, toCloudEvent(event), { requestId, signal });
  return handleReplication(suite, accountOf(functionArn), event, { requestId, signal });
}

/** Parses the body of a message. Text that is not JSON is returned as it is, so that it is refused as an event. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
