import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { IamPolicy } from "../policy/document.ts";
import type { GarContext } from "./context.ts";
import { readPolicy, writePolicy } from "./policies.ts";

/** Milliseconds: the first wait after a conflict is random between 0 and the base, each next bound doubles to the cap. */
const backoff = { baseMs: 250, capMs: 8_000 } as const;

/**
 * Changes the repository's policy by compare-and-swap: what was read is written only over itself, so that no edit of
 * anybody's is lost. After a conflict the whole edit is done again, as long as the operation has time. An edit whose
 * answer was lost meets its own change at the next reading, and is done.
 *
 * @param change pure; gives back the very policy where there is nothing to do, and nothing is written
 */
export async function editPolicy(
  context: GarContext,
  change: (policy: IamPolicy) => IamPolicy,
  call: Call,
): Promise<void> {
  for (let conflicts = 0; ; conflicts++) {
    const policy = await readPolicy(context, call);
    if (!policy.etag?.length) {
      throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The repository's IAM policy has no etag.", {
        hint: "Nothing was changed: a write could undo somebody else's.",
      });
    }
    const changed = change(policy);
    if (changed === policy || (await writePolicy(context, changed, call))) return;
    await pause(conflicts, call);
  }
}

async function pause(conflicts: number, call: Call): Promise<void> {
  const bound = Math.min(backoff.capMs, backoff.baseMs * 2 ** conflicts);
  try {
    await sleep(Math.random() * bound, undefined, { signal: call.signal });
  } catch (cause) {
    throw new ArtifactRegistryError("RESOURCE_CONFLICT", "The repository's IAM policy keeps being changed by others.", {
      retryable: true,
      hint: "Nothing was changed. Call again.",
      cause,
    });
  }
}
