/** What Cloud Run functions runs. One bundle serves every door; `ALIEN_DOOR` says which one this function is. */
import { cloudEvent, http } from "@google-cloud/functions-framework";
import { createFunctions } from "./doors/functions.ts";
import { shieldFromFramework } from "./doors/http.ts";

// Otherwise the answers that the framework makes by itself show their caller the stack.
process.env.NODE_ENV ??= "production";
// The framework reads events itself, so it must see them as they came.
if (process.env.ALIEN_DOOR !== "events") shieldFromFramework();

const { artifactRegistry, artifactRegistryEvents } = createFunctions(process.env);
http("artifactRegistry", artifactRegistry);
cloudEvent("artifactRegistryEvents", artifactRegistryEvents);
