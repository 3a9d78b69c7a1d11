/** Access rules by which whoever the issuer vouches for may do everything with the registry `images`. */
export function everythingFor(issuer: string, subject = "*"): string {
  const any = ["*"];
  return JSON.stringify([
    { callers: [{ issuer, subject }], operations: any, registries: ["images"], repositories: any },
  ]);
}
