/** Under this user name an Azure registry takes an access token as the password (Azure/acr, AAD-OAuth). */
export const acrTokenUser = "00000000-0000-0000-0000-000000000000";
