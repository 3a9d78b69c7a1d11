import { apacheBackend } from "../kubernetes/support/apache-backend.ts";
import { startGitea } from "../kubernetes/support/gitea.ts";
import { giteaBackend } from "../kubernetes/support/token-registry.ts";
import { contractSuite } from "./suite.ts";

// Who may push there may delete too: the proxy tells the two apart.
contractSuite({
  name: "external-static",
  behind: "Gitea with Basic, behind Apache",
  start: () =>
    apacheBackend(({ folders, pullers, pushers }) =>
      startGitea({ organizations: folders, readers: pullers, writers: pushers }),
    ),
});

contractSuite({ name: "external", behind: "Gitea with a token server, behind a gate", start: giteaBackend });
