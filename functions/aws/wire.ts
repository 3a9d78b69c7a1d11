import { buffer } from "node:stream/consumers";
import { ArtifactRegistryError } from "../../core/errors.ts";

interface Request {
  request: { body?: unknown };
}

interface Answer {
  readonly response: { body: Uint8Array | AsyncIterable<Uint8Array> };
}

type Middleware = (next: (args: Request) => Promise<Answer>) => (args: Request) => Promise<Answer>;

/** As much of a command's own stack as we add to. */
interface Stack {
  add(middleware: Middleware, options: { readonly step: "serialize" | "deserialize"; readonly priority: "low" }): void;
}

/**
 * Lets a command send and answer JSON as it is on the wire. The SDK drops every member that its model does not have, and a
 * model is older than AWS: whoever reads, changes and writes a whole document must keep what it does not know.
 *
 * @param body what is sent instead of the command's input
 * @returns reads the answer, once the command was sent
 */
export function onTheWire({ middlewareStack }: { readonly middlewareStack: object }, body?: object): () => unknown {
  const stack = middlewareStack as Stack;
  let text: string | undefined;
  if (body !== undefined) {
    // After the SDK's serializer, and before the length and the signature.
    const write: Middleware = (next) => (args) => {
      args.request.body = JSON.stringify(body);
      return next(args);
    };
    stack.add(write, { step: "serialize", priority: "low" });
  }
  // Before the SDK's deserializer.
  const read: Middleware = (next) => async (args) => {
    const answer = await next(args);
    const { body: sent } = answer.response;
    const bytes = sent instanceof Uint8Array ? sent : await buffer(sent);
    text = Buffer.from(bytes).toString();
    answer.response.body = bytes;
    return answer;
  };
  stack.add(read, { step: "deserialize", priority: "low" });
  return () => {
    try {
      return JSON.parse(text ?? "");
    } catch (cause) {
      throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "AWS answered without JSON.", { cause });
    }
  };
}
