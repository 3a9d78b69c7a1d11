import { apacheBackend } from "../kubernetes/support/apache-backend.ts";
import { startDistribution } from "../kubernetes/support/distribution.ts";
import { tool } from "../tools/tools.ts";
import { contractSuite } from "./suite.ts";

// Distribution knows users and passwords, and no rights: those are the proxy's, as in the project's own recipe.
contractSuite({
  name: "external-static",
  behind: "distribution 2.8 with htpasswd, behind Apache",
  differs: { deletesTags: false },
  start: () =>
    apacheBackend(({ pullers, pushers }) =>
      startDistribution({ binary: tool("docker-registry"), auth: { users: [...pullers, ...pushers] } }),
    ),
});
