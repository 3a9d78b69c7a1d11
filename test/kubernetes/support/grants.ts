/** Access rules by which whoever the issuer vouches for may do everything with the registry `images`. */
export function everythingFor(issuer: string, subject = "*"): string {
  const any = ["*"];
  const everywhere = { operations: any, registries: ["images"], repositories: any };
  return JSON.stringify([{ callers: [{ issuer, subject }], ...everywhere, permissions: ["pull", "push-pull"] }]);
}
