import fc from "fast-check";

/** A statement of others, as its text: what JavaScript cannot hold must survive too. */
const statements = [
  '{"Sid":"Deploy pipeline","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::888888888888:user/ci"},"Action":"ecr:*"}',
  '{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::888888888888:root"]},"NotAction":["ecr:BatchGetImage"]}',
  '{"Sid":"Everybody","Effect":"Allow","Principal":"*","Action":["ecr:BatchGetImage"],"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abc"}}}',
  '{"Sid":"","Effect":"Allow","Principal":{"AWS":"*"},"Action":"ecr:DescribeImages"}',
  '{"Sid":"Numbers","Effect":"Allow","Principal":{"Service":"codebuild.amazonaws.com"},"Action":"ecr:GetDownloadUrlForLayer","Condition":{"NumericLessThan":{"ecr:x":12345678901234567890},"NumericEquals":{"ecr:y":[1.0,2e3]},"Bool":{"aws:SecureTransport":true}}}',
  '{"Sid":"LambdaECRImageRetrievalPolicy","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"],"Condition":{"StringLike":{"aws:sourceArn":"arn:aws:lambda:us-east-1:999999999999:function:*"}}}',
  '{"Sid":"FromTheFuture","Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"ecr:BatchGetImage","__proto__":{"polluted":true},"Obligation":[{"b":null,"a":[]}]}',
  // Under our names, but edited: no longer what we write.
  '{"Sid":"ArtifactRegistryAccounts","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:root"]},"Action":["ecr:BatchGetImage","ecr:PutImage"]}',
  '{"Sid":"ArtifactRegistryWorkers","Effect":"Deny","Principal":{"Service":"lambda.amazonaws.com"},"Action":"ecr:*"}',
  '{"Sid":"artifactregistryroles","Effect":"Allow","Principal":{"AWS":"444444444444"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer","ecr:BatchCheckLayerAvailability"]}',
  '{"Sid":"CrossAccountRolePermission","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/x"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}',
];

/** A whole policy of others, in one of the shapes that AWS stores. */
export const foreignPolicy: fc.Arbitrary<{ text: string; statements: string[] }> = fc
  .tuple(fc.uniqueArray(fc.constantFrom(...statements), { minLength: 1, maxLength: 6 }), fc.constantFrom(0, 1, 2, 3))
  .map(([chosen, shape]) => {
    const list = shape === 1 && chosen.length === 1 ? chosen.join() : `[ ${chosen.join(" ,\n ")} ]`;
    const envelope = ['"Version":"2012-10-17",', '"Version" : "2008-10-17", "Id":"theirs",', "", '"X":1.50,'][shape];
    return { text: `{${envelope}"Statement":${list}}`, statements: chosen };
  });
