export {
  findTokenKeys,
  followTokenKeys,
  hasEnded,
  type KeyRing,
  loadTokenKey,
  loadTokenKeys,
  rotated,
  type TokenKey,
  type TokenKeys,
  tokenKey,
} from "./key.ts";
export {
  callerHash,
  followRevocations,
  formatRevocations,
  isRevoked,
  maxRevocations,
  type Revocation,
  RevocationsFull,
  withRevocation,
} from "./revocation.ts";
export { type Access, allows, formatScope, narrow, parseScope } from "./scope.ts";
export {
  type Credential,
  checkToken,
  type MintOptions,
  mintToken,
  readSignedToken,
  type SignedToken,
  type TokenClaims,
  TokenError,
  type TokenRefusal,
  verifyToken,
} from "./token.ts";
