export type { AccessLine, AccessLog } from "./access-log.ts";
export { type OfflineStore, openOffline } from "./offline.ts";
export { defaultService, openRegistry, type Registry, type RegistryOptions, type Swept } from "./registry.ts";
export {
  bindRegistry,
  type RegistryAddress,
  type RegistryPort,
  type RunningRegistry,
  type ServeOptions,
  serveRegistry,
} from "./server.ts";
export { DataFolderError } from "./store/folder-lock.ts";
export type { Collected, CollectOptions, CollectPolicy, Removal } from "./upkeep/collect.ts";
export type { Problem, ProblemKind, Verified } from "./upkeep/verify.ts";
