import { type Worker as AnyWorker, startWorker as startAny } from "../../../support/processes.ts";
import type { Orders } from "../../../support/worker.ts";
import type { AwsStack } from "../../support/stack.ts";

/** A process that runs operations under a session of its own. */
export interface Worker extends AnyWorker {
  /** What the calls of this process are made by. */
  readonly principal: string;
}

export function startWorker(stack: AwsStack, binding: object, orders: Omit<Orders, "platform">): Worker {
  const { emulator, functionRole, account } = stack;
  const env = {
    ...stack.env(emulator.credentialsFor(functionRole, { name: orders.caller })),
    AWS_LAMBDA_FUNCTION_NAME: "artifact-registry",
    ALIEN_IMAGES_BINDING: stack.binding("images", binding),
  };
  const principal = `arn:${emulator.partition}:sts::${account}:assumed-role/function/${orders.caller}`;
  return Object.assign(startAny(env, { platform: "aws", ...orders }), { principal });
}

/** Numbers from 0 to 1 that are the same at each run. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
