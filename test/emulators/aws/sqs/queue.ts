/** One queue's messages. What was received comes back unless it is deleted. */
export interface Queue {
  readonly messages: Message[];
}

export interface Message {
  readonly id: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  receiptHandle: string | undefined;
  visibleAt: number;
}
