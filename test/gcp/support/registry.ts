import { afterAll, beforeAll } from "vitest";
import { type Call, startCall } from "../../../core/call.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { OpenContext } from "../../../core/platform.ts";
import type { CrossAccountAccess, GcpAccess } from "../../../core/schemas.ts";
import type { GarBinding } from "../../../functions/gcp/binding.ts";
import { createGarRegistry } from "../../../functions/gcp/gar/adapter.ts";
import { type GcpStack, type StackOptions, startStack } from "./stack.ts";

/** One project for the tests of a file; Google's libraries in this process see it. */
export function useStack(options: StackOptions = {}): () => GcpStack {
  let stack: GcpStack | undefined;
  beforeAll(async () => {
    stack = await startStack(options);
    stack.useInThisProcess();
  });
  afterAll(() => stack?.stop());
  return () => {
    if (stack === undefined) throw new Error("The stack has not started.");
    return stack;
  };
}

export function openRegistry(stack: GcpStack, id = "images", more: object = {}, others: OpenContext["others"] = []) {
  const binding = JSON.parse(stack.binding(id, more)) as GarBinding;
  return createGarRegistry({ name: id, binding, derived: false, others, env: stack.env() });
}

/** The registry's grants, which are added one value at a time. */
export function crossAccountOf({ crossAccount: control }: ReturnType<typeof openRegistry>) {
  if (control === undefined) throw new Error("The registry knows no grants.");
  const add = (name: RoutableName, access: CrossAccountAccess, call: Call) => control.add(name, [access], call);
  return { ...control, add };
}

/** A call as the core makes it. */
export function newCall(operationMs = 20_000) {
  return startCall({
    requestId: "test",
    caller: { issuer: "door", subject: "test" },
    signal: AbortSignal.timeout(operationMs),
    now: () => new Date(),
    retry: { attempts: 4, baseMs: 5, capMs: 20 },
  });
}

export function access(parts: Partial<GcpAccess> = {}): GcpAccess {
  return { type: "gcp", projectNumbers: [], serviceAccountEmails: [], allowedServiceTypes: [], ...parts };
}

export const emails = (...serviceAccountEmails: string[]) => access({ serviceAccountEmails });
export const workers = (...projectNumbers: string[]) => access({ projectNumbers, allowedServiceTypes: ["worker"] });
