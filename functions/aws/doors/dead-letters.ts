import type { SQSClient } from "@aws-sdk/client-sqs";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DeadLetters } from "../../../core/events.ts";
import { translateAwsError } from "../errors.ts";
import { sdkSettings } from "../sdk-settings.ts";

const sendTimeoutMs = 5_000;

/**
 * Sends dead letters to an SQS queue. The body is the event as it came, and the attributes say why it can never succeed.
 *
 * @param queueUrl value of `ALIEN_DEAD_LETTER_QUEUE_URL`
 * @throws BINDING_CONFIG_INVALID where it is not set: without the queue, such an event would have nowhere to go
 */
export function sqsDeadLetters(queueUrl: string | undefined, region: string): DeadLetters<string> {
  if (queueUrl === undefined || !URL.canParse(queueUrl)) {
    throw new ArtifactRegistryError(
      "BINDING_CONFIG_INVALID",
      "ALIEN_DEAD_LETTER_QUEUE_URL is not the URL of a queue.",
      {
        hint: "Set it to the SQS queue for events that can never succeed.",
      },
    );
  }
  let client: SQSClient | undefined;
  return {
    async send(event, reason, requestId, signal) {
      // Loaded for the first event that can never succeed, because most functions never meet one.
      const { SendMessageCommand, SQSClient } = await import("@aws-sdk/client-sqs");
      // The SDK repeats the request, since a letter that arrives twice does no harm.
      client ??= new SQSClient({ ...sdkSettings("SQS"), region, maxAttempts: 3 });
      const attributes = { code: reason.code, reason: reason.message, hint: reason.hint ?? "", requestId };
      const command = new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: printable(event),
        MessageAttributes: Object.fromEntries(
          Object.entries(attributes)
            .filter(([, value]) => value !== "")
            .map(([name, value]) => [name, { DataType: "String", StringValue: printable(value) }]),
        ),
      });
      try {
        const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(sendTimeoutMs)]);
        await client.send(command, { abortSignal });
      } catch (error) {
        throw translateAwsError(error, "SQS SendMessage", "sqs:SendMessage on the dead-letter queue");
      }
    },
  };
}

/** Replaces the characters that XML 1.0 does not have, because SQS would refuse the letter (API reference, SendMessage). */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are meant
  return text.toWellFormed().replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd");
}
