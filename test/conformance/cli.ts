/**
 * Judges any registry by its address:
 *
 *     node test/conformance/cli.ts http://127.0.0.1:5000 [--namespace NAME] [--user NAME --password SECRET] [--junit FILE]
 *
 * A line for each case that fails, then the counts; exit 1 where one fails. With --user, the registry is one that
 * hands out tokens, and the cases on tokens are judged as well. It pushes to, and deletes from, repositories below the
 * namespace only.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { report } from "../e2e/tally.ts";
import { casesFor } from "./cases/index.ts";
import { judge } from "./judge/case.ts";
import { openRegistry } from "./judge/registry.ts";
import { toJunit } from "./junit.ts";
import { printFailures } from "./print.ts";
import { freshNamespace } from "./targets.ts";

const text = { type: "string" } as const;
const { values, positionals } = parseArgs({
  options: { namespace: text, user: text, password: text, junit: text },
  allowPositionals: true,
});
const [url] = positionals;
if (url === undefined) {
  console.error(
    "usage: node test/conformance/cli.ts URL [--namespace NAME] [--user NAME --password SECRET] [--junit FILE]",
  );
  process.exit(2);
}
const registry = openRegistry({
  url,
  namespace: values.namespace ?? freshNamespace(),
  auth: values.user === undefined ? "none" : "token",
  ...(values.user === undefined ? {} : { credentials: { username: values.user, password: values.password ?? "" } }),
});
const outcomes = await judge(registry, casesFor(registry));
if (values.junit !== undefined) await writeFile(values.junit, toJunit(url, outcomes));
const failed = printFailures(outcomes);
report("conformance", { passed: outcomes.length - failed, failed, skipped: 0 });
process.exitCode = failed > 0 ? 1 : 0;
