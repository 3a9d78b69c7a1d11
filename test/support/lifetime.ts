import { expect } from "vitest";

/**
 * Makes something that ends after a while, and sees that it lives as long as it should from the moment at which it was
 * made. Nobody tells that moment: it lies between the beginning and the end of the work, however long that takes.
 *
 * @param seconds how long it should live, rounded to whole ones by whoever made it
 * @param work answers when it ends
 */
export async function expectLifetime(seconds: number, work: () => Promise<Date | string | undefined>): Promise<void> {
  const before = Date.now();
  const end = new Date((await work()) ?? Number.NaN).getTime();
  const after = Date.now();
  expect(end, `${new Date(end).toISOString()} is too early`).toBeGreaterThan(before + (seconds - 1) * 1_000);
  expect(end, `${new Date(end).toISOString()} is too late`).toBeLessThan(after + (seconds + 1) * 1_000);
}
