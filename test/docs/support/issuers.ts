import { type JWTPayload, SignJWT } from "jose";
import type { OidcOptions } from "../../../core/oidc.ts";
import { createKey } from "../../support/issuer.ts";
import { readPages } from "../pages.ts";

/** The text of the page's first block of a form. */
export async function formOf(path: string, form: string): Promise<string> {
  const page = (await readPages()).find((each) => each.path === path);
  const block = page?.blocks.find(({ mark }) => mark?.kind === "form" && mark.form === form);
  if (!block) throw new Error(`${path} has no block of the form ${form}.`);
  return block.text;
}

/** Issuers whose names are on the Internet, answered for here. */
export async function createFakeIssuers(issuers: readonly string[]) {
  const key = await createKey("RS256");
  const answers = new Map<string, unknown>();
  for (const issuer of issuers) {
    answers.set(`${issuer}/.well-known/openid-configuration`, { issuer, jwks_uri: `${issuer}/keys` });
    answers.set(`${issuer}/keys`, { keys: [key.publicJwk] });
  }
  const fetch: OidcOptions["fetch"] = async (url) =>
    answers.has(url) ? Response.json(answers.get(url)) : new Response(null, { status: 404 });
  return {
    fetch,
    sign(claims: JWTPayload, by = key): Promise<string> {
      const now = Math.floor(Date.now() / 1_000);
      const header = { alg: "RS256", kid: key.kid, typ: "JWT" };
      return new SignJWT({ iat: now, exp: now + 300, ...claims }).setProtectedHeader(header).sign(by.privateKey);
    },
  };
}
