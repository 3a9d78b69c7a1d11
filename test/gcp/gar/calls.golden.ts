import { markdownOf, rowsOf } from "../../support/faults/rows.ts";

const ar = (action: string) => `artifactregistry:${action}`;
const metadata = (path: string) => `metadata:GET /computeMetadata/v1/instance/service-accounts/${path}`;

/** The function's own token: asked for by a process that has just started, and again when it is about to end. */
export const ownToken = metadata("default/token");
/** Who the function is. */
const ownName = metadata("default/email");
const mint = "iamcredentials:generateAccessToken";
const proof = ar("GetRepository");
const edit = [ar("GetIamPolicy"), ar("SetIamPolicy")];
const look = ar("GetPackage");
const deletion = [ar("DeletePackage"), ar("GetOperation")];
const account = "iam:GetServiceAccount";
const accountPolicy = "iam:GetIamPolicy";
const letMint = [accountPolicy, "iam:SetIamPolicy"];

/** By operation, then by case: each call as `service:action`, in order. docs/gcp.md has the same table. */
export const golden = {
  createRepository: { "a new one": [look], "of a derived registry": [ownToken, proof, look] },
  getRepository: { "one that was never pushed": [look], "one that was pushed": [look] },
  deleteRepository: {
    "one that exists": deletion,
    "one with an index": [
      ...[ar("DeletePackage"), ar("ListVersions"), ar("DeleteVersion"), ar("GetOperation"), ...deletion],
    ],
    "one that is gone": [ar("DeletePackage")],
    "by a new process": [ownToken, ...deletion],
  },
  listRepositories: { plain: [ar("ListPackages")], "by a new process": [ownToken, ar("ListPackages")] },
  listImages: {
    plain: [ar("ListVersions")],
    "an image with a hundred tags": [ar("ListVersions"), ar("ListTags")],
    "of a repository that was never pushed": [ar("ListVersions")],
  },
  deleteImage: {
    "by digest": [ar("DeleteVersion"), ar("GetOperation")],
    "by tag": [ar("DeleteTag")],
    "one that is gone": [ar("DeleteVersion")],
  },
  generateCredentials: {
    pull: [mint],
    "push-pull": [mint],
    "once more": [],
    "by a new process": [ownToken, mint],
    "where Google's clock is behind": [mint, mint],
    "of a derived registry": [ownToken, proof, mint],
  },
  addCrossAccountAccess: {
    "a new grant": edit,
    "a grant that is there": [ar("GetIamPolicy")],
    "of an account that does not exist": edit,
    "by a new process": [ownToken, ...edit],
    "of a derived registry": [proof, ...edit],
  },
  removeCrossAccountAccess: {
    "one of two grants": edit,
    "the last grant": edit,
    "a grant of an account that was deleted": edit,
    "a grant that is not there": [ar("GetIamPolicy")],
  },
  getCrossAccountAccess: { plain: [ar("GetIamPolicy")], "by a new process": [ownToken, ar("GetIamPolicy")] },
  listGranteeAccess: { plain: [ar("GetIamPolicy")] },
  removeGranteeAccess: { "one of two consumers": edit, "whom nobody let in": [ar("GetIamPolicy")] },
  setupRepository: {
    "a new one, with access": [look, ...edit],
    "a new one, with a hundred accesses": [look, ...edit],
    "an event, with access": [look, ...edit],
    "an event that comes too late": [],
  },
  describeRegistry: { plain: [proof], "without bound accounts": [proof] },
} as const;

/** Of the door that makes registries; their faults are in test/gcp/provisioning. */
export const provisioningGolden = {
  provisionRegistry: {
    "from nothing": [
      ...[ownName, ownToken, proof, account, account, ar("ListRepositories")],
      ...[ar("CreateRepository"), ar("GetOperation"), "iam:CreateServiceAccount", "iam:CreateServiceAccount"],
      // Each until three looks in a row find it.
      ...[account, account, account, account, account, account],
      ...[...edit, ...letMint, ...letMint],
    ],
    "one that is there": [ownName, proof, account, account, ar("GetIamPolicy"), accountPolicy, accountPolicy],
  },
  describeRegistry: {
    "through the provision door": [
      ...[ownName, proof, ar("GetIamPolicy")],
      ...[account, accountPolicy, account, accountPolicy],
    ],
  },
  deprovisionRegistry: {
    "an empty one": [
      ...[proof, ar("ListPackages"), account, "iam:DeleteServiceAccount", account, "iam:DeleteServiceAccount"],
      ...[ar("ListPackages"), ar("DeleteRepository"), ar("GetOperation")],
    ],
    "one that is gone": [proof, account, account],
  },
} as const;

export const rows = rowsOf(golden);
export const provisioningRows = rowsOf(provisioningGolden);

/** The table as docs/gcp.md shows it. */
export const markdown = () =>
  markdownOf([...rows, ...provisioningRows]).replaceAll(/GET \/computeMetadata\/\S+\//g, "");
