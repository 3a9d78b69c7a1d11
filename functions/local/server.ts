import { run } from "./run.ts";

// The entry of `npm start`.
if (!(await run(process.env))) process.exitCode = 1;
