export type { CallRecord, Fault } from "./call.ts";
export { type AwsEmulator, type EmulatorOptions, startAwsEmulator } from "./emulator.ts";
export type { EmulatorEvent } from "./events.ts";
export type { Statement } from "./identity/documents.ts";
export { replayCall } from "./replay.ts";
export type { PolicyInput, RoleSeed, SdkCredentials } from "./seeding.ts";
