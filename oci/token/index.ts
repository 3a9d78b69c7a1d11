export { loadTokenKey, type TokenKey, tokenKey } from "./key.ts";
export { type Access, allows, formatScope, narrow, parseScope } from "./scope.ts";
export {
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
