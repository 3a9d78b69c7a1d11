/** Milliseconds: the first pause, doubling to the last. */
const pauses = { firstMs: 1_000, lastMs: 30_000 } as const;

/**
 * How long a message is kept before it is given back. Service Bus delivers again at once what is abandoned: all the
 * deliveries of its `maxDeliveryCount` would be over before a short fault is.
 *
 * @param deliveryCount of this delivery, from 1, as the host tells it
 * @returns milliseconds; 0 where nobody counts
 */
export function pauseMs(deliveryCount: unknown): number {
  if (typeof deliveryCount !== "number" || deliveryCount < 1) return 0;
  return Math.min(pauses.lastMs, pauses.firstMs * 2 ** (deliveryCount - 1));
}
