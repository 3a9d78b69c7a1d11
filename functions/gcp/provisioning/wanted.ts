import type { GarPlace } from "../place.ts";
import { readerRole } from "../policy/document.ts";
import { type AccountKind, accountEmail } from "./naming.ts";

/** The role that pushes: it also pulls, and can neither delete nor manage. */
export const writerRole = "roles/artifactregistry.writer";

/** The role under which a function mints for an account. */
export const tokenCreatorRole = "roles/iam.serviceAccountTokenCreator";

/** An account as it must be: its role is the one that it holds on the repository. */
export interface WantedAccount {
  readonly kind: AccountKind;
  readonly email: string;
  readonly role: string;
}

export function wantedAccounts(place: GarPlace): readonly [pull: WantedAccount, push: WantedAccount] {
  return [
    { kind: "pull", email: accountEmail(place, "pull"), role: readerRole },
    { kind: "push", email: accountEmail(place, "push"), role: writerRole },
  ];
}
