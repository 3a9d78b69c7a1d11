import { run } from "./run.ts";

// The entry of `npm start`, in a clone.
if (!(await run(process.env, "npx alien-registry"))) process.exitCode = 1;
