import { randomUUID } from "node:crypto";

/** An event as EventBridge delivers it. */
export interface EmulatorEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": "ECR Image Action" | "ECR Replication Action";
  readonly source: "aws.ecr";
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, string>>;
}

export function eventOf(
  kind: EmulatorEvent["detail-type"],
  at: {
    readonly account: string;
    readonly region: string;
    readonly time: Date;
    readonly resources?: readonly string[];
  },
  detail: Readonly<Record<string, string | undefined>>,
): EmulatorEvent {
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": kind,
    source: "aws.ecr",
    account: at.account,
    time: at.time.toISOString().replace(/\.\d+Z$/, "Z"),
    region: at.region,
    resources: at.resources ?? [],
    detail: Object.fromEntries(
      Object.entries(detail).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
  };
}
