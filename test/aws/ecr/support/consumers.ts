import { createClient, type OciClient, OciError, pullImage } from "../../../../oci/client/index.ts";
import type { AwsEmulator, SdkCredentials } from "../../../emulators/aws/index.ts";
import { registryClient } from "../../../emulators/aws/support.ts";
import { imageOf, type TestRegistry } from "./registry.ts";

/** Accounts of consumers, and one that nobody ever grants anything. */
export const A = "444455556666";
export const B = "777788889999";
export const stranger = "999900001111";

/** Lets the accounts exist, each with a role `app` and a role `ci` that may do all that resource policies let them. */
export function makeConsumers(emulator: AwsEmulator): void {
  for (const account of [A, B, stranger]) {
    for (const name of ["app", "ci"]) {
      emulator.role(account, name, { policies: { Effect: "Allow", Action: "ecr:*", Resource: "*" } });
    }
  }
}

export const roleOf = (emulator: AwsEmulator, account: string, name: string): string =>
  `arn:${emulator.partition}:iam::${account}:role/${name}`;

/** Whether these credentials get the image, by pulling it. */
export async function pulls(
  { emulator, stack }: TestRegistry,
  credentials: SdkCredentials,
  name: string,
  region: string = stack.region,
): Promise<boolean> {
  return succeeds(async () => pullImage(await registryClient(emulator, credentials, region), name, "1.0"), name);
}

const clients = new WeakMap<AwsEmulator, Map<string, Promise<OciClient>>>();

/** As `pulls`, with a session of this role. It keeps its token, as a node of a cluster does. */
export async function pullsAs(
  registry: TestRegistry,
  roleArn: string,
  name: string,
  region: string = registry.stack.region,
): Promise<boolean> {
  const { emulator } = registry;
  const known = clients.get(emulator) ?? new Map<string, Promise<OciClient>>();
  clients.set(emulator, known);
  // A role that was made anew is another one.
  const key = `${emulator.world.directory.look(roleArn)?.id}@${region}`;
  const client = known.get(key) ?? registryClient(emulator, emulator.credentialsFor(roleArn), region);
  known.set(key, client);
  return succeeds(async () => pullImage(await client, name, "1.0"), name);
}

/** Whether Lambda gets the image for a function of this account in this region, by pulling it as Lambda does. */
export async function lambdaPulls({ emulator, stack }: TestRegistry, account: string, region: string, name: string) {
  const functionArn = `arn:${emulator.partition}:lambda:${region}:${account}:function:worker`;
  const refused = await emulator.lambda.refusal(functionArn, { account: stack.account, repository: name });
  if (refused !== undefined) return false;
  const client = createClient({
    url: emulator.registryUrl(region),
    credentials: emulator.lambda.credentials(functionArn),
  });
  return succeeds(() => pullImage(client, name, "1.0"), name);
}

async function succeeds(pull: () => Promise<unknown>, name: string): Promise<boolean> {
  try {
    const [pulled, pushed] = [await pull(), imageOf(name)];
    if (JSON.stringify(pulled) === JSON.stringify(pushed)) return true;
    throw new Error("Another image came back.");
  } catch (error) {
    if (error instanceof OciError && (error.status === 403 || error.status === 401)) return false;
    throw error;
  }
}

/**
 * Everybody who may pull, by trying: `A/app`, `A/ci` (two roles of account A), and with `@region` Lambda for the
 * account's functions there. Nobody else is let in by a grant that the tests make.
 */
export async function whoMay(registry: TestRegistry, name: string, regions?: readonly string[]): Promise<string[]> {
  const { emulator, stack } = registry;
  const accounts = { A, B, stranger };
  const tries = Object.entries(accounts).flatMap(([label, account]) => [
    ...["app", "ci"].map(async (role) => {
      return (await pullsAs(registry, roleOf(emulator, account, role), name)) ? [`${label}/${role}`] : [];
    }),
    ...(regions ?? [stack.region]).map(async (region) =>
      (await lambdaPulls(registry, account, region, name)) ? [`${label}@${region}`] : [],
    ),
  ]);
  return (await Promise.all(tries)).flat();
}
