import type { Command } from "commander";

/** What the help of a command shows below its options, without the program's name. Tests run those that call operations. */
const examples: Readonly<Record<string, readonly string[]>> = {
  create: ["create my-app", "create my-app --quiet"],
  get: ["get my-app", "get my-app --json"],
  setup: ["setup my-app", "setup my-app --account 111122223333 --service-type worker"],
  delete: ["delete my-app", "delete my-app --yes"],
  list: ["list", "list --quiet"],
  images: ["images my-app"],
  push: ["push ./my-image my-app:1.0", "push --sample my-app:1.0"],
  pull: ["pull my-app:1.0 ./my-image", "pull my-app:1.0 my-image.tar --quiet"],
  "delete-image": ["delete-image my-app 1.0"],
  login: ["login my-app", "login my-app --permissions push-pull --ttl 1h --also-pull base"],
  credentials: ["credentials my-app --ttl 15m", "credentials my-app --permissions push-pull --quiet"],
  "revoke-credentials": ["revoke-credentials --repository my-app --permissions push-pull"],
  grant: [
    "grant my-app --account 111122223333 --service-type worker --region eu-west-1",
    "grant my-app --role arn:aws:iam::111122223333:role/deployer",
    "grant my-app --project 123456789012 --service-type worker",
  ],
  revoke: ["revoke my-app --account 111122223333"],
  access: ["access my-app", "access my-app --quiet"],
  who: ["who aws:111122223333"],
  "cut-off": ["cut-off aws:111122223333"],
  describe: ["describe", "describe --json"],
  provision: ["provision --replication-region us-west-2 --replication-region eu-west-1"],
  deprovision: ["deprovision --delete-repositories"],
  rules: [
    "rules check rules.json",
    "rules check rules.json --as aws 111122223333:deployer --may createRepository images/my-app",
  ],
  serve: ["serve", "serve --port 8081 --registry-port 5051 --data-dir ./registry"],
  "rotate-key": ["rotate-key", "rotate-key --end-all"],
  verify: ["verify --data-dir ./registry"],
  collect: ["collect --dry-run", "collect --untagged-days 7"],
  complete: ["complete bash"],
};

/** What the program's own help shows: the way from nothing to an image. */
const firstSteps = ["serve", "create my-app", "login my-app --permissions push-pull", "images my-app"];

/** Gives the program and each of its commands examples in their help. */
export function addExamples(program: Command): void {
  const add = (command: Command, lines: readonly string[]) =>
    command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ alien-registry ${line}\n`).join("")}`);
  add(program, firstSteps);
  for (const command of program.commands) add(command, examples[command.name()] ?? [command.name()]);
}
