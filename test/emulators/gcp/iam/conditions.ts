/** What a condition may look at. */
export interface ConditionContext {
  readonly resource: string;
  readonly now: Date;
}

/**
 * Whether a condition holds. Clauses joined by `&&`, on the name of the resource and the time of the request; whatever
 * else CEL can say is not understood and therefore does not hold.
 */
export function holds(expression: string, { resource, now }: ConditionContext): boolean {
  return expression.split("&&").every((part) => clause(part.trim(), resource, now));
}

function clause(text: string, resource: string, now: Date): boolean {
  if (text === "true") return true;
  const [, method, start] = /^resource\.name\.(startsWith|endsWith)\(["']([^"']*)["']\)$/.exec(text) ?? [];
  if (start !== undefined) return method === "startsWith" ? resource.startsWith(start) : resource.endsWith(start);
  const [, name] = /^resource\.name *== *["']([^"']*)["']$/.exec(text) ?? [];
  if (name !== undefined) return resource === name;
  const [, sign, time] = /^request\.time *(<|>) *timestamp\(["']([^"']*)["']\)$/.exec(text) ?? [];
  if (time === undefined) return false;
  return sign === "<" ? now < new Date(time) : now > new Date(time);
}
