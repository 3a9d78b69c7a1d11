export { DEFAULT_SERVICE, openRegistry, type Registry, type RegistryOptions, type Swept } from "./registry.ts";
export { type RunningRegistry, type ServeOptions, serveRegistry } from "./server.ts";
export { DataFolderError } from "./store/folder-lock.ts";
