import type { Call } from "../../../core/call.ts";
import type { OciClient } from "../../../oci/client/index.ts";
import type { AccountField, ExternalBinding } from "../binding.ts";
import type { Connection } from "./connection.ts";
import { translateOciError } from "./errors.ts";

/** What every part of the adapter works with. */
export interface ExternalContext {
  readonly binding: ExternalBinding;
  readonly host: string;
  readonly connection: Connection;
}

/**
 * Runs one step of the distribution protocol in the name of an account. If the registry's refusal is retryable, the whole step
 * is repeated, so it must be safe to repeat.
 *
 * @param what the step, as `list tags`
 */
export function step<T>(
  { connection, host }: ExternalContext,
  call: Call,
  { what, as }: { readonly what: string; readonly as: AccountField },
  run: (client: OciClient) => Promise<T>,
): Promise<T> {
  return ask(call, what, host, as, async (signal) => run((await connection.as(as)).withSignal(signal)));
}

/** Does what `step` does, but the request makes its client itself. */
export function ask<T>(
  call: Call,
  what: string,
  host: string,
  as: AccountField | "credentials",
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return call.upstream(`${host}: ${what}`, async (signal) => {
    try {
      return await request(signal);
    } catch (error) {
      signal.throwIfAborted();
      throw translateOciError(error, { what, host, as });
    }
  });
}
