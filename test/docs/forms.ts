import { parse } from "yaml";
import { checkBinding } from "../../client/binding.ts";
import { statusOf } from "../../core/errors.ts";
import { setupEvent } from "../../core/events.ts";
import { parseIssuers } from "../../core/oidc-issuers.ts";
import { validate } from "../../core/operation.ts";
import { isOperationName, type OperationName, operations } from "../../core/operations.ts";
import { warningsAbout } from "../../core/rule-meaning.ts";
import { parseRules } from "../../core/rules-source.ts";
import { errorJson } from "../../core/schemas.ts";
import { readDirectory } from "../../core/suite.ts";
import { platforms } from "../../platforms.ts";

/** What a JSON or YAML block can be said to be. Each throws what the code itself says of it. */
const forms: Readonly<Record<string, (value: unknown, operation: string) => unknown>> = {
  rules: checkRules,
  issuers: (value) => parseIssuers(JSON.stringify(value)),
  binding: checkAnyBinding,
  error: checkError,
  event(value) {
    const { data } = validate(setupEvent, value);
    operations.setupRepository.parse(data);
  },
  // What the chart makes of them: test/docs/values.e2e.ts.
  values: (value) => checkRules((value as { accessRules?: unknown }).accessRules ?? []),
  input: (value, name) => operations[operation(name)].parse(value),
  output: (value, name) => validate(operations[operation(name)].output, value),
};

/** @param form as in the comment: `rules`, `input createRepository` */
export async function checkForm(form: string, text: string): Promise<void> {
  const [name = "", argument = ""] = form.split(" ");
  const check = Object.hasOwn(forms, name) ? forms[name] : undefined;
  if (!check) throw new Error(`"${form}" is no form: one of ${Object.keys(forms).join(", ")}.`);
  await check(parse(text), argument);
}

function operation(name: string): OperationName {
  if (isOperationName(name)) return name;
  throw new Error(`"${name}" is no operation.`);
}

/** An example that the function would warn of teaches what it warns of. */
function checkRules(value: unknown): void {
  const [warning] = warningsAbout(parseRules(JSON.stringify(value)));
  if (warning !== undefined) throw new Error(warning);
}

async function checkAnyBinding(value: unknown): Promise<void> {
  const { service = "" } = value as { service?: string };
  if (service === "function") {
    checkBinding(value, "The block");
    return;
  }
  const entry = Object.values(platforms).find(({ services }) => (services as readonly string[]).includes(service));
  if (!entry) throw new Error(`"${service}" is no service.`);
  // Where a binding leaves out the place, the platform tells it.
  const place = { AWS_REGION: "us-east-1", GOOGLE_CLOUD_PROJECT: "vendor" };
  readDirectory(await entry.load(), { ...place, ALIEN_IMAGES_BINDING: JSON.stringify(value) }, [], ["images"]);
}

function checkError(value: unknown): void {
  const { code, httpStatusCode } = validate(errorJson, value);
  const status = statusOf[code as keyof typeof statusOf];
  if (status !== httpStatusCode) throw new Error(`${code} is not answered with ${httpStatusCode}.`);
}
