import type { app } from "@azure/functions";

/** Where functions are registered: the host's, or a test's. */
export type Registrar = Pick<typeof app, "http" | "eventGrid" | "serviceBusQueue">;
