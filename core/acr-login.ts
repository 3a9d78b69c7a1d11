/** How clients that know a user name and a password, and no bearer, log in to Azure Container Registry. */

/** Under this user name an Azure registry takes an access token as the password (Azure/acr, AAD-OAuth). */
export const acrTokenUser = "00000000-0000-0000-0000-000000000000";

/**
 * Whether a host is a login server of Azure Container Registry, in any of the clouds that have it.
 *
 * @param host as it stands in an image's name, in any case
 */
export function isAcrHost(host: string): boolean {
  return /\.azurecr\.(io|cn|us)$/i.test(host);
}
