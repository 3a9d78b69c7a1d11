import { app } from "@azure/functions";
import { registerFunctions } from "./doors/functions.ts";

// Without streaming, the host leaves out every body that comes in chunks (azure-functions-nodejs-worker, issue 524).
app.setup({ enableHttpStream: true });

/** What the Functions host loads. One bundle has every door; `ALIEN_DOOR` says which one this function app serves. */
registerFunctions(app, process.env);
