import { account, type Grant, type GrantSet, grantSet } from "../../../functions/aws/grants/grant.ts";
import type { Held, LeaseRecord } from "../../../functions/aws/lease/lease.ts";

/**
 * Grants by short words, so that a test reads as what it is about. Each word of up to four letters stands for the access
 * of one account, whose number spells it.
 */
export const grant = (word: string): Grant => account(numberOf(word));
export const grants = (...words: readonly string[]): GrantSet => grantSet(words.map(grant));

/** The name of a word's grant, as plans and items hold it; `*` stays what it is. */
export const nameOf = (word: string): string => (word === "*" ? word : `account:${numberOf(word)}`);

/** A record with its grants in words. */
export const inWords = (record: LeaseRecord | undefined) => record && { ...record, grants: wordsOf(record.grants) };
export const wordsOf = ({ accounts }: GrantSet): string[] => accounts.map(wordOf);

/** Names in words, also inside plans: `+account:000000000097` is `+a`. */
export const readable = (name: string): string => name.replace(/account:(\d{12})/, (_, number) => wordOf(number));

/** What the lease makes of a document with these grants. */
export async function reconciled(held: Held, own: readonly string[], adopted: readonly string[] = []) {
  return wordsOf(await held.reconcile({ own: own.map(grant), adopted: adopted.map(grant) }));
}

function numberOf(word: string): string {
  const codes = [...word].map((letter) => String(letter.charCodeAt(0)).padStart(3, "0"));
  return codes.join("").padStart(12, "0");
}

function wordOf(number: string): string {
  const codes = number.match(/\d{3}/g) ?? [];
  return codes.map((code) => (code === "000" ? "" : String.fromCharCode(Number(code)))).join("");
}
