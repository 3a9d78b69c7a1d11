import type { Call } from "../call.ts";
import { AwsError } from "../wire/errors.ts";
import type { Input } from "../wire/input.ts";
import { authorizedPublic } from "./authorize.ts";
import type { CatalogData } from "./state.ts";

const LIMITS = { description: 1024, aboutText: 25_600, usageText: 25_600 } as const;
const MAX_LOGO_BYTES = 500 * 1024;

export async function putRepositoryCatalogData(call: Call): Promise<object> {
  const given = call.input.optionalRecord("catalogData");
  if (given === undefined) throw invalid("catalogData must not be null");
  const catalogData = readCatalogData(given);
  const repository = await authorizedPublic(call);
  repository.catalogData = catalogData;
  return { catalogData: storedCatalogData(catalogData) };
}

export async function getRepositoryCatalogData(call: Call): Promise<object> {
  return { catalogData: storedCatalogData((await authorizedPublic(call)).catalogData) };
}

/** @throws InvalidParameterException */
export function readCatalogData(given: Input | undefined): CatalogData {
  if (given === undefined) return {};
  const texts = Object.entries(LIMITS).flatMap(([field, limit]) => {
    const text = given.optionalText(field);
    if (text === undefined) return [];
    if (text.length > limit) throw invalid(`${field}: Member must have length less than or equal to ${limit}`);
    return [[field, text] as const];
  });
  const lists = (["architectures", "operatingSystems"] as const).flatMap((field) => {
    if (!given.has(field)) return [];
    const values = given.texts(field);
    if (values.length > 50) throw invalid(`${field}: Member must have length less than or equal to 50`);
    return [[field, values] as const];
  });
  const logo = given.optionalText("logoImageBlob");
  if (logo !== undefined && Buffer.from(logo, "base64").length > MAX_LOGO_BYTES)
    throw invalid("logoImageBlob is too large");
  return {
    ...Object.fromEntries([...texts, ...lists]),
    ...(logo === undefined ? {} : { logoUrl: "https://d3g9o9u8re44ak.cloudfront.net/logo/emulator.png" }),
  };
}

// A logo is kept under an address; what was sent is never given back.
export function storedCatalogData(data: CatalogData): object {
  return { ...data, marketplaceCertified: false };
}

function invalid(constraint: string): AwsError {
  return new AwsError(
    "InvalidParameterException",
    `Invalid parameter at 'catalogData' failed to satisfy constraint: '${constraint}'`,
  );
}
