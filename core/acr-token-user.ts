/**
 * The user name by which Azure's registry knows that the password is one of its access tokens (Azure/acr, AAD-OAuth). Clients that
 * cannot send a bearer log in with it.
 */
export const acrTokenUser = "00000000-0000-0000-0000-000000000000";
