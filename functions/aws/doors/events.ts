import * as v from "valibot";
import { type EventOutcome, setupEventType } from "../../../core/events.ts";

/** Amazon EventBridge's envelope. */
export const eventBridgeEvent = v.looseObject({
  version: v.string(),
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
    v.minLength(1, "must not be empty"),
  ),
});

/** `ECR Replication Action`: the top-level region is the destination. */
export const replicationDetail = v.looseObject({
  result: v.string(),
  "repository-name": v.string(),
  "source-account": v.string(),
  "source-region": v.string(),
});

export type EventBridgeEvent = v.InferOutput<typeof eventBridgeEvent>;
export type SqsEvent = v.InferOutput<typeof sqsEvent>;
export type ReplicationDetail = v.InferOutput<typeof replicationDetail>;

export interface EventHandling {
  /** Handles one CloudEvent. */
  setup(event: unknown): Promise<EventOutcome>;
  /** Brings the grants of home to a replica that has come into being. */
  replicated(detail: ReplicationDetail, region: string, account: string): Promise<EventOutcome>;
}

/** EventBridge's envelope as the CloudEvent that it stands for. */
export function toCloudEvent(event: EventBridgeEvent): object {
  return {
    specversion: "1.0",
    id: event.id,
    source: event.source,
    type: event["detail-type"],
    time: event.time,
    data: event.detail,
  };
}

/** One event, from EventBridge itself or from the body of a message. */
export async function handleOne(handling: EventHandling, event: unknown): Promise<EventOutcome> {
  const envelope = v.safeParse(eventBridgeEvent, event);
  if (!envelope.success) return handling.setup(event);
  const { source, region, account, detail } = envelope.output;
  if (source !== "aws.ecr" || envelope.output["detail-type"] !== "ECR Replication Action") {
    return handling.setup(toCloudEvent(envelope.output));
  }
  const replication = v.safeParse(replicationDetail, detail);
  // What cannot be read goes the way of every hopeless event, with its reason.
  if (!replication.success) return handling.setup({ type: setupEventType, time: envelope.output.time });
  return handling.replicated(replication.output, region, account);
}
