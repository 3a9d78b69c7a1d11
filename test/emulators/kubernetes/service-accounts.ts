import { createLocalJWKSet, exportJWK, generateKeyPair, type JSONWebKeySet, jwtVerify, SignJWT } from "jose";

/** Who vouches for the service accounts of one cluster. */
export interface ServiceAccounts {
  readonly issuer: string;
  readonly keys: JSONWebKeySet;
  /** A bound token, as the kubelet projects it into a pod. */
  token(account: Account, options?: { audience?: string; expiresInSeconds?: number }): Promise<string>;
  /** Whom a token speaks for before the API server itself; undefined for one that it does not take. */
  authenticate(authorization: string | undefined): Promise<string | undefined>;
}

export interface Account {
  readonly namespace: string;
  readonly name: string;
}

/** The audience of the API server itself: what a pod's token carries where it asks for no other. */
export const apiAudience = "https://kubernetes.default.svc.cluster.local";

export function subjectOf({ namespace, name }: Account): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

export async function createServiceAccounts(issuer = apiAudience): Promise<ServiceAccounts> {
  // What kube-apiserver signs with when it is given an RSA key, as kubeadm gives it.
  const alg = "RS256";
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const kid = "cluster-key-1";
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid, alg, use: "sig" }] };
  const known = createLocalJWKSet(keys);
  return {
    issuer,
    keys,
    token(account, { audience = apiAudience, expiresInSeconds = 3_600 } = {}) {
      const now = Math.floor(Date.now() / 1_000);
      return new SignJWT({
        "kubernetes.io": { namespace: account.namespace, serviceaccount: { name: account.name, uid: "0" } },
      })
        .setProtectedHeader({ alg, kid })
        .setIssuer(issuer)
        .setSubject(subjectOf(account))
        .setAudience([audience])
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(now + expiresInSeconds)
        .sign(privateKey);
    },
    async authenticate(authorization) {
      const token = /^Bearer (\S+)$/.exec(authorization ?? "")?.[1];
      if (token === undefined) return undefined;
      try {
        return (await jwtVerify(token, known, { issuer, audience: apiAudience })).payload.sub;
      } catch {
        return undefined;
      }
    },
  };
}
