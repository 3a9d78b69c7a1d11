import { cloudEvent, http } from "@google-cloud/functions-framework";
import { createFunctions } from "./doors/functions.ts";
import { shieldFromFramework } from "./doors/http.ts";

// What the framework answers by itself shows its caller the stack otherwise.
process.env.NODE_ENV ??= "production";
// Events are read by the framework.
if (process.env.ALIEN_DOOR !== "events") shieldFromFramework();

/** What Cloud Run functions runs. One bundle serves every door; `ALIEN_DOOR` says which one this function is. */
const { artifactRegistry, artifactRegistryEvents } = createFunctions(process.env);
http("artifactRegistry", artifactRegistry);
cloudEvent("artifactRegistryEvents", artifactRegistryEvents);
