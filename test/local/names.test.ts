import { createLocalRegistry } from "../../functions/local/adapter.ts";
import { openCredentials } from "../../functions/local/credentials.ts";
import { foreignNameTests } from "../support/name-forms.ts";

const others = [{ prefix: "builds", separator: "/" as const }];
const location = { registryUrl: "http://127.0.0.1:5050", dataDir: "/nowhere" };

foreignNameTests(
  "the local registry",
  createLocalRegistry({ name: "images", others }, location, openCredentials("/nowhere")),
  {
    read: [
      ["127.0.0.1:5050/images/team/app", "images/team/app"],
      ["127.0.0.1:5050/images", "images"],
    ],
    refused: [
      "127.0.0.1:5050",
      "127.0.0.1:5050/builds/app",
      "127.0.0.1:5050/app",
      "127.0.0.1/images/app",
      "127.0.0.1:5051/images/app",
      "localhost:5050/images/app",
      "http://127.0.0.1:5050/images/app",
    ],
  },
);
