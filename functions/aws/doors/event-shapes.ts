import * as v from "valibot";

/** Amazon EventBridge's envelope. */
export const eventBridgeEvent = v.looseObject({
  id: v.string(),
  source: v.string(),
  "detail-type": v.string(),
  time: v.string(),
  region: v.string(),
  account: v.string(),
  detail: v.record(v.string(), v.unknown()),
});

/** An SQS batch as Lambda receives it. */
export const sqsEvent = v.looseObject({
  Records: v.pipe(
    v.array(v.looseObject({ eventSource: v.literal("aws:sqs"), messageId: v.string(), body: v.string() })),
    v.minLength(1),
  ),
});

export type EventBridgeEvent = v.InferOutput<typeof eventBridgeEvent>;
export type SqsEvent = v.InferOutput<typeof sqsEvent>;

/**
 * Turns EventBridge's envelope into the CloudEvent that it stands for. The detail is the data of that event. If the sender
 * speaks CloudEvents itself, the detail is the whole event.
 */
export function toCloudEvent({ id, source, "detail-type": type, time, detail }: EventBridgeEvent): object {
  return "specversion" in detail ? detail : { specversion: "1.0", id, source, type, time, data: detail };
}
