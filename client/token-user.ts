/**
 * The user name that tells Azure's token service that the password is a token (Azure/acr, AAD-OAuth.md): clients that know
 * no bearer log in with it.
 */
export const tokenUser = "00000000-0000-0000-0000-000000000000";
