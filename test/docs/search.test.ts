import { describe, expect, test } from "vitest";
import { readSections, searchIn, sectionsOf } from "../../scripts/docs-search.ts";

const search = searchIn(await readSections());

/** What people ask the trackers of comparable tools, in short, and the section that answers it. */
const questions: readonly {
  readonly asked: string;
  readonly at: string;
  readonly link: string;
  readonly says: RegExp;
}[] = [
  {
    asked: "The authorization token has expired, and docker must log in again",
    at: "https://github.com/awslabs/amazon-ecr-credential-helper/issues/118",
    link: "docs/credential-helper.md#refresh-and-cache",
    says: /nine tenths of its lifetime left/,
  },
  {
    asked: "Easier way to pull ECR images on Kubernetes clusters outside of AWS",
    at: "https://github.com/aws/containers-roadmap/issues/1507",
    link: "docs/container.md#pull-secrets",
    says: /CronJob|again and again|refresh/,
  },
  {
    asked: "Repository policies allowing roles from other accounts",
    at: "https://github.com/aws/containers-roadmap/issues/1467",
    link: "docs/aws.md#letting-other-accounts-pull",
    says: /one role of it/,
  },
  {
    asked: "Creating a Lambda function from an image stored in a different account's ECR",
    at: "https://github.com/aws-controllers-k8s/community/issues/1590",
    link: "docs/aws.md#letting-other-accounts-pull",
    says: /--service-type worker/,
  },
  {
    asked: "The OIDC token of GitHub Actions is not authorized",
    at: "https://github.com/aws-actions/configure-aws-credentials/issues/690",
    link: "docs/oidc-callers.md#when-it-is-refused",
    says: /the token's issuer is not trusted/,
  },
  {
    asked: "skopeo does not support credsStore in docker config.json",
    at: "https://github.com/podman-container-tools/skopeo/issues/1083",
    link: "docs/credential-helper.md#clients",
    says: /and not credsStore/,
  },
  {
    asked: "Garbage collect untagged images",
    at: "https://github.com/distribution/distribution/issues/1844",
    link: "docs/local.md#space-that-comes-back",
    says: /Untagged|untagged/,
  },
  {
    asked: "Image pull with a kubelet image credential provider is not working",
    at: "https://github.com/canonical/microk8s/issues/4371",
    link: "docs/kubelet.md#when-a-pull-fails",
    says: /kubelet's log/,
  },
  {
    asked: "Repo scoped permissions: token support on Azure",
    at: "https://github.com/Azure/acr/issues/412",
    link: "docs/azure.md#credentials",
    says: /permissions for one repository/,
  },
  {
    asked: "downloadArtifacts permission denied on Artifact Registry when deploying to Cloud Run",
    at: "https://github.com/googleapis/google-cloud-python/issues/11081",
    link: "docs/gcp.md#consumers-on-google-cloud",
    says: /whoever deploys/,
  },
  {
    asked: "A docker login does not expire: how to invalidate a token that leaked",
    at: "https://github.com/docker/hub-feedback/issues/1077",
    link: "docs/security.md#a-leaked-credential",
    says: /can be ended before/,
  },
  {
    asked: "Trigger replication of existing images when regions are updated",
    at: "https://github.com/aws/containers-roadmap/issues/1252",
    link: "docs/aws.md#older-images",
    says: /backfill: true/,
  },
  {
    asked: "Replicate ECR repository policies along with container images",
    at: "https://github.com/aws/containers-roadmap/issues/1690",
    link: "docs/aws.md#replicas",
    says: /policy of each replica/,
  },
  {
    asked: "Support OCI layouts in push and pull",
    at: "https://github.com/google/go-containerregistry/issues/1116",
    link: "docs/command-line.md#push-and-pull",
    says: /a folder or a tar archive/,
  },
  {
    asked: "imagePullSecrets not created in all namespaces",
    at: "https://github.com/upmc-enterprises/registry-creds/issues/95",
    link: "docs/container.md#pull-secrets",
    says: /namespace/,
  },
];

describe("questions that people ask of comparable tools", () => {
  test("are fifteen, each from another thread", () => {
    expect(new Set(questions.map(({ at }) => at)).size).toBe(15);
  });

  test.each(questions)("$asked ($at)", ({ asked, link, says }) => {
    const hits = search(asked).slice(0, 3);
    expect(hits.map((hit) => hit.link)).toEqual(expect.arrayContaining([link]));
    expect(hits.find((hit) => hit.link === link)?.text).toMatch(says);
  });
});

test("a page is parted at its headings, and not in its code", () => {
  const text = "# A page\n\nIt *begins*.\n\n```sh\n# no heading\n```\n\n## What it's for\n\n| a | [b](c.md) |\n";
  expect(sectionsOf("docs/a.md", text)).toEqual([
    { link: "docs/a.md#a-page", page: "A page", heading: "A page", text: "It begins . sh # no heading" },
    { link: "docs/a.md#what-its-for", page: "A page", heading: "What it's for", text: "a b" },
  ]);
});

test("words that are nowhere find nothing", () => expect(search("xylophone zebra")).toEqual([]));
