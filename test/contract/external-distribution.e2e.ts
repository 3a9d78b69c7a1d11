import { tokenBackend } from "../kubernetes/support/token-registry.ts";
import { tool } from "../tools/tools.ts";
import { contractSuite } from "./suite.ts";

contractSuite({
  name: "external",
  behind: "distribution 2.8 with a token server",
  // `registry/handlers/manifests.go`, `DeleteManifest`: a reference that is no digest is UNSUPPORTED. Version 3 deletes the tag.
  differs: { deletesTags: false },
  start: () => tokenBackend(tool("docker-registry")),
});

contractSuite({
  name: "external",
  behind: "distribution 3 with a token server",
  start: () => tokenBackend(tool("registry")),
});
