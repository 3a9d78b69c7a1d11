import {
  AzureCliCredential,
  AzureDeveloperCliCredential,
  ChainedTokenCredential,
  EnvironmentCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from "@azure/identity";
import type { Environment } from "../../core/platform.ts";

/**
 * Finds the identity of a process to which no platform gives a managed identity by an endpoint of its own: in direct mode, on a developer's machine (`az login`),
 * in CI, in a pod of Kubernetes, on a virtual machine. The core repeats requests, so the library does not.
 *
 * @param env `AZURE_CLIENT_ID`, and `AZURE_FEDERATED_TOKEN_FILE`, which a pod with a workload identity has. The library reads more of them itself
 */
export function otherIdentity({
  AZURE_CLIENT_ID: clientId,
  AZURE_FEDERATED_TOKEN_FILE: tokenFile,
}: Environment): TokenCredential {
  const retryOptions = { maxRetries: 0 };
  // The library throws at once where there is no such file.
  const workload = tokenFile ? [new WorkloadIdentityCredential({ retryOptions })] : [];
  return new ChainedTokenCredential(
    new EnvironmentCredential({ retryOptions }),
    ...workload,
    new AzureCliCredential(),
    new AzureDeveloperCliCredential(),
    // The last one, since a machine without it takes seconds to find that out.
    clientId
      ? new ManagedIdentityCredential({ clientId, retryOptions })
      : new ManagedIdentityCredential({ retryOptions }),
  );
}
