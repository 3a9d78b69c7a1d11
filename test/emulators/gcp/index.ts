export type { CallRecord, Fault, Service } from "./call.ts";
export { type GcpEmulator, type GcpEmulatorOptions, startGcpEmulator } from "./emulator.ts";
export type { Status } from "./errors.ts";
export type { AuditConfig, Binding, Condition, Policy } from "./iam/policy.ts";
export type { AccountSeed } from "./seeding.ts";
export type { Behaviour, Published } from "./world.ts";
