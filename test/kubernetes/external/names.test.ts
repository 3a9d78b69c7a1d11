import { createExternalRegistry } from "../../../functions/kubernetes/external/adapter.ts";
import { foreignNameTests } from "../../support/name-forms.ts";

function external(registryUrl: string, repositoryPrefix?: string) {
  const binding = { service: "external" as const, registryUrl, ...(repositoryPrefix && { repositoryPrefix }) };
  const others = [{ prefix: "builds", separator: "/" as const }];
  return createExternalRegistry({ name: "images", binding, derived: false, others, env: {} });
}

foreignNameTests("an external registry", external("https://Registry.vendor.example", "team/images"), {
  read: [
    ["registry.vendor.example/team/images/app", "team/images/app"],
    ["Registry.Vendor.Example/team/images", "team/images"],
  ],
  refused: [
    "registry.vendor.example",
    "registry.vendor.example/app",
    "registry.vendor.example/builds/app",
    "registry.vendor.example/team/images/App",
    "registry.vendor.example:443/team/images/app",
    "https://registry.vendor.example/team/images/app",
  ],
});

foreignNameTests("an external registry, the whole of it, on a port", external("https://registry.vendor.example:5443"), {
  read: [["registry.vendor.example:5443/app", "app"]],
  refused: [
    "registry.vendor.example:5443",
    "registry.vendor.example:5443/builds/app",
    "registry.vendor.example:5443/App",
    "registry.vendor.example/app",
    "registry.vendor.example:5444/app",
  ],
});

foreignNameTests("an external registry in a cluster", external("https://registry", "images"), {
  read: [["registry/images/app", "images/app"]],
  refused: ["registry", "registry/app"],
});
