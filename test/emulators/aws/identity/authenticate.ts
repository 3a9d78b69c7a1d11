import type { Message } from "../wire/request.ts";
import { failure, type Refusing } from "../wire/services.ts";
import { type Signed, signatureProblem } from "../wire/signature.ts";
import type { World } from "../world.ts";
import type { Principal } from "./principal.ts";

/** Who signed a request. @throws the service's own words for no key, an unknown one, a bad signature, an ended session */
export function authenticate(
  world: World,
  profile: Refusing,
  req: Message,
  body: Buffer,
  signed: Signed | undefined,
): Principal {
  if (signed === undefined) throw failure(profile, "missing");
  const key = world.directory.keys.get(signed.keyId);
  if (key === undefined) throw failure(profile, "unknownKey");
  const token = req.headers["x-amz-security-token"];
  if (token !== key.sessionToken) throw failure(profile, "unknownKey");
  const { principal } = key;
  if (principal.expiresAt !== undefined && world.clock().getTime() >= principal.expiresAt.getTime()) {
    throw failure(profile, "expired");
  }
  if (principal.identity === undefined || principal.identity.deleted) throw failure(profile, "unknownKey");
  // STS, "Managing STS in a region": a region that an account has not enabled knows none of its keys.
  if (world.directory.standing.isAbsent(principal.account, signed.region)) throw failure(profile, "unknownKey");
  if (signed.service !== profile.name) {
    throw failure(profile, "badSignature", `Credential should be scoped to correct service: '${profile.name}'.`);
  }
  if (world.behaviour.trusting) return principal;
  const problem = signatureProblem(req, body, signed, key.secret);
  if (problem !== undefined) throw failure(profile, "badSignature", problem);
  return principal;
}
