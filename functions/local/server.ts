import { ArtifactRegistryError } from "../../core/errors.ts";
import { type LocalSuite, serveLocal } from "./serve.ts";
import { welcome } from "./welcome.ts";

/** The entry of `npm start`: starts the suite, tells how to use it, and stops it on a signal. */
async function main(): Promise<void> {
  let suite: LocalSuite;
  try {
    suite = await serveLocal(process.env, {
      log: (message, cause) => console.error(`registry: ${message}: ${cause instanceof Error ? cause.name : cause}`),
    });
  } catch (error) {
    console.error(`error: ${explain(error)}`);
    process.exitCode = 1;
    return;
  }
  console.log(welcome(suite));
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    console.log(`${signal}: finishing what is in flight ...`);
    suite.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, stop);
}

/** One line that says what is wrong and what to do. */
function explain(error: unknown): string {
  if (error instanceof ArtifactRegistryError) return [error.message, error.hint].filter(Boolean).join(" ");
  const { code, syscall, port, address, message } = error as NodeJS.ErrnoException & {
    port?: number;
    address?: string;
  };
  if (code === "EADDRINUSE" && port !== undefined) {
    return `Port ${port} on ${address} is in use. Set PORT (the API) or REGISTRY_PORT (the registry) to another one.`;
  }
  if (code === "EACCES" && syscall === "listen") return `Port ${port} may not be opened by this user.`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") return `HOST is not an address of this machine: ${message}.`;
  return message;
}

await main();
