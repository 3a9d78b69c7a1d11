export type { Registry } from "./acr/registry.ts";
export type { AzureFault, CallRecord, Fault, Service } from "./call.ts";
export { type AzureEmulator, type AzureOptions, startAzure } from "./emulator.ts";
export { clientPrincipalHeaders } from "./identity/app-service.ts";
export type { Application, Principal } from "./identity/directory.ts";
export { type AzureSeeding, type IdentitySeed, type RegistryOptions, repositoryCondition } from "./seeding.ts";
export type { SentMessage } from "./service-bus/queues.ts";
export type { Behaviour } from "./world.ts";
