import { app } from "@azure/functions";
import { registerFunctions } from "./doors/functions.ts";

/** What the Functions host loads. One bundle has every door; `ALIEN_DOOR` says which one this function app serves. */
registerFunctions(app, process.env);
