import { randomBytes, randomUUID } from "node:crypto";

/** A security principal of the tenant. Managed identities have a resource id, applications may have secrets. */
export interface Principal {
  readonly name: string;
  /** The object id: what role assignments name. */
  readonly principalId: string;
  readonly clientId: string;
  readonly type: "ServicePrincipal" | "User";
  /** How a managed identity is attached: to one resource, or by itself. */
  readonly managed?: "system" | "user";
  /** Of a managed identity: itself, or the resource that it belongs to. Tokens name it in `xms_mirid`. */
  readonly resourceId?: string;
  /** From when on other services know of it. */
  readonly visibleFrom: Date;
}

/** Tokens of another issuer that stand for a principal. */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** An application that tokens can be asked for, and the roles that it gives to callers. */
export interface Application {
  readonly name: string;
  readonly clientId: string;
  /** `api://…` */
  readonly identifierUri: string;
  /** Application roles, by the object id of who holds them. */
  readonly assigned: Map<string, readonly string[]>;
}

/** The tenant: who exists in it. */
export class Directory {
  readonly tenantId = randomUUID();
  readonly applications: Application[] = [];
  readonly #principals = new Map<string, Principal>();
  readonly #secrets = new Map<string, string>();
  readonly #federated = new Map<string, FederatedCredential[]>();

  add(seed: Omit<Principal, "principalId" | "clientId">): Principal {
    const principal = { ...seed, principalId: randomUUID(), clientId: randomUUID() };
    this.#principals.set(principal.principalId, principal);
    return principal;
  }

  principal(principalId: string): Principal | undefined {
    return this.#principals.get(principalId.toLowerCase());
  }

  byClientId(clientId: string): Principal | undefined {
    return [...this.#principals.values()].find((one) => one.clientId === clientId.toLowerCase());
  }

  remove(principalId: string): void {
    this.#principals.delete(principalId);
  }

  /** Makes a client secret. */
  addSecret({ clientId }: Principal): string {
    const secret = randomBytes(24).toString("base64url");
    this.#secrets.set(clientId, secret);
    return secret;
  }

  hasSecret(clientId: string, secret: string): boolean {
    return this.#secrets.get(clientId) === secret;
  }

  addFederated({ clientId }: Principal, credential: FederatedCredential): void {
    this.#federated.set(clientId, [...this.federated(clientId), credential]);
  }

  federated(clientId: string): readonly FederatedCredential[] {
    return this.#federated.get(clientId) ?? [];
  }

  /** The application that a resource identifier means. */
  application(resource: string): Application | undefined {
    return this.applications.find(({ identifierUri, clientId }) => [identifierUri, clientId].includes(resource));
  }
}
