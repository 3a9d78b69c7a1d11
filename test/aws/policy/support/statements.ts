export type Json = Record<string, unknown>;
export const policy = (...statements: Json[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
export const pull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"];
export const root = "arn:aws:iam::111111111111:root";

export const ourAccounts: Json = {
  Sid: "ArtifactRegistryAccounts",
  Effect: "Allow",
  Principal: { AWS: [root] },
  Action: pull,
};
export const ourWorkers: Json = {
  Sid: "ArtifactRegistryWorkers",
  Effect: "Allow",
  Principal: { Service: ["lambda.amazonaws.com"] },
  Action: pull.slice(0, 2),
  Condition: {
    ArnLike: { "aws:SourceArn": ["arn:aws:lambda:*:111111111111:function:*"] },
    StringLike: { "aws:SourceArn": ["arn:aws:lambda:us-east-1:*"] },
  },
};

export const legacyRole: Json = {
  Sid: "CrossAccountRolePermission",
  Effect: "Allow",
  Principal: { AWS: ["arn:aws:iam::222222222222:role/r", root] },
  Action: [...pull, "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"],
};
export const legacyLambda: Json = {
  Sid: "LambdaECRImageCrossAccountRetrievalPolicy",
  Effect: "Allow",
  Principal: { Service: "lambda.amazonaws.com" },
  Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:SetRepositoryPolicy"],
  Condition: {
    StringLike: {
      "aws:sourceArn": ["arn:aws:lambda:us-east-1:111111111111:function:*", "arn:aws:lambda:*:222222222222:function:*"],
    },
  },
};
