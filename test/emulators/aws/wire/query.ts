/** Reads the form of the query protocol: `Tags.member.1.Key=a` becomes `{Tags: [{Key: "a"}]}`. */
export function parseForm(form: URLSearchParams): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of form) {
    const parts = path.split(".");
    let at = root;
    for (const part of parts.slice(0, -1)) {
      const next = at[part];
      const child = isRecord(next) ? next : {};
      at[part] = child;
      at = child;
    }
    at[parts.at(-1) ?? ""] = value;
  }
  return lists(root) as Record<string, unknown>;
}

function lists(value: unknown): unknown {
  if (!isRecord(value)) return value;
  if (isRecord(value.member)) {
    const entries = Object.entries(value.member).sort(([a], [b]) => Number(a) - Number(b));
    return entries.map(([, entry]) => lists(entry));
  }
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, lists(entry)]));
}

/** Writes a value as the query protocol's XML: lists as `<member>`, dates as ISO 8601, nothing for what is absent. */
export function toXml(name: string, value: unknown): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return `<${name}>${value.map((one) => toXml("member", one)).join("")}</${name}>`;
  if (value instanceof Date) return `<${name}>${value.toISOString().replace(/\.\d+Z$/, "Z")}</${name}>`;
  if (isRecord(value)) {
    const inner = Object.entries(value).map(([key, entry]) => toXml(key, entry));
    return `<${name}>${inner.join("")}</${name}>`;
  }
  return `<${name}>${escapeXml(String(value))}</${name}>`;
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r\n]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
