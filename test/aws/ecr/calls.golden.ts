import { markdownOf, rowsOf } from "../../support/faults/rows.ts";

/** The calls that each operation makes, of a registry with two replica regions and a lease table. docs/aws.md has them too. */
export const home = "us-east-1";
export const replicas = ["eu-west-1", "ap-southeast-2"] as const;

const ecr = (action: string, ...regions: string[]) => regions.map((region) => `ecr:${action}@${region}`);
const atHome = (action: string) => ecr(action, home);
const everywhere = (action: string) => ecr(action, home, ...replicas);
/** Takes the lease, or records the outcome and gives it back. */
const lease = [`dynamodb:UpdateItem@${home}`];
/** Reads which regions the registry has. */
const regions = [`dynamodb:GetItem@${home}`];
const sts = (action: string) => [`sts:${action}@${home}`];

/** The policy, and when the repository was created: another one of the same name inherits nothing. */
const readHome = [...atHome("GetRepositoryPolicy"), ...atHome("DescribeRepositories")];
const read = [...readHome, ...regions, ...ecr("GetRepositoryPolicy", ...replicas)];
const edit = [...lease, ...read, ...everywhere("SetRepositoryPolicy"), ...lease];
/** Whether the replica holds what it shall hold already. */
const look = [...regions, ...ecr("GetRepositoryPolicy", replicas[0]), ...atHome("DescribeRepositories"), ...regions];
const noEdit = [...lease, ...read, ...lease];
const mint = [...sts("AssumeRole"), ...atHome("GetAuthorizationToken")];
/** The replicas that the registry's record names get the repository as home has it. */
const replicasToo = (action: string) => ecr(action, ...replicas);
const create = [...atHome("CreateRepository"), ...regions, ...replicasToo("CreateRepository")];
const setUp = [...create, ...lease, ...read, ...everywhere("SetRepositoryPolicy"), ...lease];
const deletion = everywhere("DeleteRepository");

/** By operation, then by case: each call as `service:action@region`, in order; those of several regions go out at once. */
export const golden = {
  createRepository: {
    "a new one": create,
    "one that exists": [...create, ...atHome("DescribeRepositories")],
    "a new one, with keepLast": [
      ...atHome("CreateRepository"),
      ...atHome("PutLifecyclePolicy"),
      ...regions,
      ...replicasToo("CreateRepository"),
      ...replicasToo("PutLifecyclePolicy"),
    ],
    "one that exists, with keepLast": [
      ...atHome("CreateRepository"),
      ...atHome("GetLifecyclePolicy"),
      ...regions,
      ...replicasToo("CreateRepository"),
      ...replicasToo("GetLifecyclePolicy"),
      ...atHome("DescribeRepositories"),
    ],
  },
  getRepository: {
    "one that exists": atHome("DescribeRepositories"),
    "one that does not": atHome("DescribeRepositories"),
  },
  deleteRepository: {
    "one that exists": [...lease, ...regions, ...deletion, ...lease],
    "one that is gone": [...lease, ...regions, ...deletion, ...lease],
    "without a lease table": deletion,
  },
  generateCredentials: {
    pull: mint,
    "push-pull": mint,
    "once more": [],
    "for longer than the role allows": [...sts("AssumeRole"), ...mint],
  },
  addCrossAccountAccess: {
    "a new grant": edit,
    "a grant that is there": noEdit,
    "before there are replicas": [...lease, ...read, ...atHome("SetRepositoryPolicy"), ...lease],
    "adopting an earlier tool's statement": [
      ...lease,
      ...read,
      ...lease,
      ...everywhere("SetRepositoryPolicy"),
      ...lease,
    ],
    "of a repository that does not exist": noEdit,
    "of a repository that is gone at home": noEdit,
  },
  removeCrossAccountAccess: {
    "one of two grants": edit,
    "the last grant": [...lease, ...read, ...everywhere("DeleteRepositoryPolicy"), ...lease],
    "a grant that is not there": noEdit,
    "of a repository that is gone at home": [
      ...lease,
      ...read,
      ...ecr("DeleteRepositoryPolicy", ...replicas),
      ...lease,
    ],
  },
  getCrossAccountAccess: {
    plain: [...atHome("GetRepositoryPolicy"), `dynamodb:GetItem@${home}`],
    "without a lease table": atHome("GetRepositoryPolicy"),
  },
  setupRepository: {
    "a new one, with access": setUp,
    "a new one, with a hundred accesses": setUp,
    "an event, with access": [
      ...lease,
      ...readHome,
      ...create,
      ...lease,
      ...lease,
      ...read,
      ...everywhere("SetRepositoryPolicy"),
      ...lease,
    ],
    "an event that comes too late": [...lease, ...readHome, ...lease],
  },
  describeRegistry: {
    plain: [...atHome("DescribeRepositories"), ...regions],
    "without bound roles": [...sts("GetCallerIdentity"), ...atHome("DescribeRepositories"), ...regions],
  },
  listImages: { "a page": atHome("DescribeImages") },
  deleteImage: {
    "an image, or a tag": [...atHome("BatchDeleteImage"), ...regions, ...ecr("BatchDeleteImage", ...replicas)],
  },
  "replication event": {
    "of a new replica": [
      ...look,
      ...lease,
      ...readHome,
      ...regions,
      ...ecr("GetRepositoryPolicy", replicas[0]),
      ...ecr("SetRepositoryPolicy", replicas[0]),
      ...lease,
    ],
    "once more": look,
  },
} as const;

export const rows = rowsOf(golden);

const list = atHome("DescribeRepositories");
/** Writes down that the consumer's access has ended. */
const record = [...regions, ...lease];
/** Whether somebody edits the repository, and what is on record. */
const looked = regions;

/** Those that are about all of a registry: here one with one repository. */
const wide = {
  listRepositories: { "a page": list },
  listGranteeAccess: { "a page": [...list, ...atHome("GetRepositoryPolicy")] },
  removeGranteeAccess: {
    "the first page, of one on whose record it is": [...regions, ...record, ...list, ...looked, ...edit],
    "the first page, of one that lets it in and has no record": [
      ...[...regions, ...record, ...list, ...looked, ...atHome("GetRepositoryPolicy")],
      ...edit,
    ],
    "the first page, of one that does not let it in": [
      ...[...regions, ...record, ...list, ...looked, ...atHome("GetRepositoryPolicy")],
      ...ecr("GetRepositoryPolicy", ...replicas),
    ],
    "the page of a replica region": [...regions, ...ecr("DescribeRepositories", replicas[1]), ...list],
  },
} as const;

export const wideRows = rowsOf(wide);

/** The table as docs/aws.md shows it. */
export const markdown = () => markdownOf([...rows, ...wideRows], ["dynamodb:UpdateItem"]);
