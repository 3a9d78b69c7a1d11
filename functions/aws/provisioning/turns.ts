/** How many repositories are worked on at once. */
const width = 10;

/**
 * Works on all of them, some at a time. When one fails no other is begun, and those that were begun are waited for.
 *
 * @throws what the first failure threw
 */
export async function inTurns<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined && failures.length === 0; next = waiting.shift()) {
      await work(next).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
