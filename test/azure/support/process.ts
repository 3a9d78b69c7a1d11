import type { AzureEmulator } from "../../emulators/azure/index.ts";

/** Points Azure's libraries in this process at an emulator. Returns the function that takes it back. */
export function useInThisProcess(azure: AzureEmulator, env: Readonly<Record<string, string>>): () => void {
  const before = { ...process.env };
  Object.assign(process.env, env);
  const distrust = azure.trustInThisProcess();
  return () => {
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    distrust();
  };
}
