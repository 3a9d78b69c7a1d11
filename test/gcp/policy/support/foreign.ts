import fc from "fast-check";
import { type Binding, type IamPolicy, readerRole } from "../../../../functions/gcp/policy/document.ts";
import { emails } from "./access.ts";

const member = `serviceAccount:${emails[0]}`;

/** Bindings of others, most of which name somebody whom we grant and revoke too. */
const bindings: readonly Binding[] = [
  {
    role: "roles/artifactregistry.writer",
    members: [member, "serviceAccount:images-push@vendor.iam.gserviceaccount.com"],
  },
  { role: "roles/artifactregistry.repoAdmin", members: ["user:ops@example.com", member] },
  { role: "roles/viewer", members: [member] },
  { role: "projects/vendor/roles/artifactregistry.reader", members: [member] },
  { role: "roles/artifactregistry.reader2", members: [member] },
  { role: "ROLES/ARTIFACTREGISTRY.READER", members: [member] },
  {
    role: readerRole,
    members: [member],
    condition: { title: "until", expression: 'request.time < timestamp("2030-01-01T00:00:00Z")', description: "" },
  },
  { role: readerRole, members: [member, "user:a@example.com"], condition: { title: "always", expression: "true" } },
  { role: "roles/artifactregistry.writer", members: [], condition: { title: "none", expression: "false" } },
];

/** Members of the binding that ours live in, which are not ours. */
export const foreignMembers = [
  "allUsers",
  "allAuthenticatedUsers",
  "user:someone@example.com",
  "group:readers@example.com",
  "domain:example.com",
  "projectViewer:vendor",
  "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*",
  "serviceAccount:images-pull@vendor.iam.gserviceaccount.com",
  "serviceAccount:vendor.svc.id.goog[ns/sa]",
  "deleted:user:gone@example.com?uid=1",
  "deleted:serviceAccount:gone@elsewhere.iam.gserviceaccount.com?uid=2",
  "deleted:serviceAccount:images-pull@vendor.iam.gserviceaccount.com?uid=3",
] as const;

export interface Foreign {
  readonly policy: IamPolicy;
  readonly bindings: readonly Binding[];
  readonly members: readonly string[];
}

/** A whole policy of others, in which our binding may stand anywhere, or not at all. */
export const foreignPolicy: fc.Arbitrary<Foreign> = fc
  .tuple(
    fc.subarray([...bindings]).chain((chosen) => fc.shuffledSubarray(chosen, { minLength: chosen.length })),
    fc.subarray([...foreignMembers]),
    fc.nat(bindings.length),
    fc.constantFrom(undefined, 1, 3),
  )
  .map(([chosen, members, place, version]) => {
    const all = [...chosen];
    if (members.length > 0) all.splice(place, 0, { role: readerRole, members, condition: null });
    const policy = {
      ...(version !== undefined && { version }),
      bindings: all,
      etag: Buffer.from("etag"),
      auditConfigs: [
        { service: "allServices", auditLogConfigs: [{ logType: "DATA_READ", exemptedMembers: [member] }] },
      ],
    };
    return { policy, bindings: chosen, members };
  });
