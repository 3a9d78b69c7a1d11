import type { ArtifactRegistryError } from "../../../core/errors.ts";

/** Where events go that can never succeed, each with its reason. */
export interface DeadLetters {
  /** @throws when the letter was not taken: the event must then be kept by its sender */
  send(event: unknown, reason: ArtifactRegistryError, requestId: string): Promise<void>;
}

/**
 * Dead letters in an SQS queue: the body is the event as it came, the attributes say why.
 *
 * @param queueUrl value of `ALIEN_DEAD_LETTER_QUEUE_URL`
 */
export function sqsDeadLetters(queueUrl: string): DeadLetters {
  return {
    async send(event, reason, requestId) {
      // Loaded when the first event is hopeless: most functions never need it.
      const { SendMessageCommand, SQSClient } = await import("@aws-sdk/client-sqs");
      const text = (StringValue: string) => ({ DataType: "String", StringValue });
      await new SQSClient({}).send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: JSON.stringify(event),
          MessageAttributes: {
            code: text(reason.code),
            reason: text(reason.message),
            requestId: text(requestId),
          },
        }),
        { abortSignal: AbortSignal.timeout(5_000) },
      );
    },
  };
}
