import { type Call, startCall } from "../../../core/call.ts";

/** Milliseconds for what has to be left in order when the call itself is over. */
const closingMs = 2_000;

/**
 * The call under which an edit is closed: the edit's own, or where that is over, a short one. Else everybody would have
 * to wait for the whole lease of an edit whose caller went away.
 */
export function closing(call: Call): Call {
  if (!call.signal.aborted) return call;
  const { requestId, caller, now } = call;
  return startCall({ requestId, caller, now, signal: AbortSignal.timeout(closingMs) });
}
