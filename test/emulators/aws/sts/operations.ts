import type { Call, Handler } from "../call.ts";
import { assumeRole } from "./assume-role.ts";

function getCallerIdentity({ principal }: Call): object {
  return { Arn: principal.arn, UserId: principal.userId, Account: principal.account };
}

export const STS: Readonly<Record<string, Handler>> = {
  AssumeRole: assumeRole,
  GetCallerIdentity: getCallerIdentity,
};
