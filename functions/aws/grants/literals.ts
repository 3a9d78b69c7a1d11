import * as v from "valibot";
import { awsAccess } from "../../../core/schemas.ts";

/** Only what a caller could have passed is read as a grant: the wire's own patterns, without wildcards. */
const { accountIds, regions, roleArns } = awsAccess.entries;

export const isAccountId = (text: string): boolean => v.is(accountIds.item, text);
export const isRegion = (text: string): boolean => v.is(regions.item, text);

/** Whether the text is the literal ARN of a role, of this partition where one is given. */
export const isRoleArn = (text: string, partition?: string): boolean =>
  v.is(roleArns.item, text) && (partition === undefined || text.startsWith(`arn:${partition}:`));
