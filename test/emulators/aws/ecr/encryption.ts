import type { Call } from "../call.ts";
import type { Repository } from "./state.ts";

/** Reads `encryptionConfiguration`. A key of one's own must be one that the caller may let ECR use. */
export async function encryptionOf(call: Call): Promise<Readonly<Record<string, unknown>>> {
  const wanted = call.input.optionalRecord("encryptionConfiguration");
  if (wanted === undefined) return { encryptionType: "AES256" };
  const encryptionType = wanted.text("encryptionType");
  if (!["AES256", "KMS", "KMS_DSSE"].includes(encryptionType)) {
    throw wanted.invalid(
      "Invalid parameter at 'encryptionType' failed to satisfy constraint: 'Member must satisfy enum value set: [AES256, KMS, KMS_DSSE]'",
    );
  }
  const kmsKey = wanted.optionalText("kmsKey");
  if (encryptionType === "AES256") {
    if (kmsKey !== undefined) throw wanted.invalid("A KMS key goes with the encryption type KMS only.");
    return { encryptionType };
  }
  const key = arnOfKey(call, kmsKey ?? "alias/aws/ecr");
  // The key that AWS keeps for ECR asks nobody; a customer's own does.
  if (kmsKey !== undefined) {
    if (!key.startsWith(`arn:${call.world.directory.partition}:kms:${call.region}:`)) {
      throw call.error("KmsException", "The operation failed because of KMS exception: the key must be in this region");
    }
    for (const action of ["kms:DescribeKey", "kms:CreateGrant"]) await authorizeKey(call, key, action);
  }
  return { encryptionType, kmsKey: key };
}

/** ECR gives its grant on a customer's key back when the repository goes. */
export async function authorizeKeyRelease(call: Call, { encryption }: Repository): Promise<void> {
  const { kmsKey } = encryption;
  if (typeof kmsKey === "string" && !kmsKey.endsWith("alias/aws/ecr"))
    await authorizeKey(call, kmsKey, "kms:RetireGrant");
}

function authorizeKey(call: Call, key: string, action: string): Promise<void> {
  const [, partition, , , account = call.account] = key.split(":");
  return call.authorize({
    action,
    resource: key,
    resourceAccount: account,
    // The policy that a key has where nobody wrote another one: its account's IAM decides.
    resourcePolicy: {
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { AWS: `arn:${partition}:iam::${account}:root` },
          Action: "kms:*",
          Resource: "*",
        },
      ],
    },
    context: { "kms:ViaService": `ecr.${call.region}.amazonaws.com`, "kms:CallerAccount": call.account },
  });
}

function arnOfKey(call: Call, key: string): string {
  if (key.startsWith("arn:")) return key;
  // An alias stands for a key; which one is nobody's business here.
  const own = key.startsWith("alias/") && key !== "alias/aws/ecr";
  const path = own ? `key/of-${key.slice("alias/".length)}` : key.startsWith("alias/") ? key : `key/${key}`;
  return `arn:${call.world.directory.partition}:kms:${call.region}:${call.account}:${path}`;
}
