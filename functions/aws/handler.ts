import { createHandler } from "./doors/handler.ts";

/** What Lambda runs, as `index.handler`. One bundle serves every door; `ALIEN_DOOR` says which one this function is. */
export const handler = createHandler(process.env);
