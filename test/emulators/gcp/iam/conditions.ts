/** What a condition may look at. */
export interface ConditionContext {
  readonly resource: string;
  readonly now: Date;
  /** The roles that somebody is given or loses, where a policy is written. */
  readonly modifiedRoles?: readonly string[];
}

/**
 * Whether a condition holds. Clauses joined by `&&`, on the name of the resource, the time of the request and the roles
 * that it gives or takes; whatever else CEL can say is not understood and therefore does not hold.
 */
export function holds(expression: string, context: ConditionContext): boolean {
  return expression.split("&&").every((part) => clause(part.trim(), context));
}

const modifiedGrants =
  /^api\.getAttribute\('iam\.googleapis\.com\/modifiedGrantsByRole', \[\]\)\.hasOnly\(\[((?:'[^']*'(?:, )?)*)\]\)$/;

function clause(text: string, { resource, now, modifiedRoles = [] }: ConditionContext): boolean {
  if (text === "true") return true;
  const [, roles] = modifiedGrants.exec(text) ?? [];
  if (roles !== undefined) return modifiedRoles.every((role) => roles.split(", ").includes(`'${role}'`));
  const [, method, start] = /^resource\.name\.(startsWith|endsWith)\(["']([^"']*)["']\)$/.exec(text) ?? [];
  if (start !== undefined) return method === "startsWith" ? resource.startsWith(start) : resource.endsWith(start);
  const [, name] = /^resource\.name *== *["']([^"']*)["']$/.exec(text) ?? [];
  if (name !== undefined) return resource === name;
  const [, sign, time] = /^request\.time *(<|>) *timestamp\(["']([^"']*)["']\)$/.exec(text) ?? [];
  if (time === undefined) return false;
  return sign === "<" ? now < new Date(time) : now > new Date(time);
}
