import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import type { ControlPlane } from "./control-plane.ts";
import { assemble, type EmulatedAccounts, type EmulatorOptions } from "./emulator.ts";
import type { SdkCredentials } from "./seeding.ts";
import type { Message } from "./wire/request.ts";

/** An emulator that opens no socket: AWS's clients in this process hand their requests to it, and no images are kept. */
export interface InProcessEmulator extends EmulatedAccounts {
  readonly controlPlane: ControlPlane;
  /** What the clients need in their environment; the endpoint is only a name. */
  environment(credentials: SdkCredentials, region: string): Readonly<Record<string, string>>;
}

export function emulateInProcess(options: EmulatorOptions = {}): InProcessEmulator {
  const url = "http://aws.emulator.invalid";
  const { accounts, controlPlane } = assemble(options, () => url);
  return {
    ...accounts,
    controlPlane,
    environment: ({ accessKeyId, secretAccessKey, sessionToken }, region) => ({
      AWS_ENDPOINT_URL: url,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
    }),
  };
}

/** A request as AWS's clients hand it to what sends it. */
interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/**
 * Takes the requests of whatever runs in its care. It answers one, or breaks the connection by answering nothing; it may keep
 * the client waiting for ever.
 */
export type Transport = (send: () => ReturnType<ControlPlane["answer"]>) => ReturnType<ControlPlane["answer"]>;

interface Route {
  readonly emulator: InProcessEmulator;
  readonly transport: Transport;
}

const routes = new AsyncLocalStorage<Route>();

/** What AWS's clients send with, unless they are told otherwise: the very module that they load. */
const { NodeHttpHandler } = createRequire(createRequire(import.meta.url).resolve("@aws-sdk/client-ecr"))(
  "@smithy/node-http-handler",
) as { readonly NodeHttpHandler: { readonly prototype: { handle(request: SdkRequest, options: unknown): unknown } } };
const overSockets = NodeHttpHandler.prototype.handle;
NodeHttpHandler.prototype.handle = function (request, options) {
  const route = routes.getStore();
  return route === undefined ? overSockets.call(this, request, options) : handle(route, request);
};

/**
 * Runs work whose requests to AWS go to this emulator, each through the transport. Work outside of it is not touched.
 *
 * @example
 * await withEmulator(emulator, (send) => send(), () => ecr.send(new DescribeRepositoriesCommand({})));
 */
export function withEmulator<T>(emulator: InProcessEmulator, transport: Transport, work: () => Promise<T>): Promise<T> {
  return routes.run({ emulator, transport }, work);
}

async function handle({ emulator, transport }: Route, { method, path, headers, body = "" }: SdkRequest) {
  // The SDK's own kind of bytes pretends to be a text, and complains where it is taken for one.
  const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.length);
  const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const message: Message = { method, url: path, headers: lowerCase };
  const answer = await transport(() => emulator.controlPlane.answer(message, bytes));
  if (answer === undefined) throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
  return { response: { statusCode: answer.status, headers: answer.headers, body: answer.body } };
}
