/** A message that somebody sent. */
export interface SentMessage {
  readonly queue: string;
  readonly body: Buffer;
  readonly contentType: string | undefined;
  /** The sender's own properties, their names in lower case, as headers have them. */
  readonly properties: Readonly<Record<string, string>>;
}

/** The queues of one namespace of Service Bus. */
export interface Queues {
  /** The resource id of the namespace. */
  readonly id: string;
  readonly names: Set<string>;
  /** All that was sent, in its order. */
  readonly sent: SentMessage[];
}

export const queueId = ({ id }: Queues, name: string) => `${id}/queues/${name}`;
