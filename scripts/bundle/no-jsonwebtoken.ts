/**
 * Stands for `jsonwebtoken` in the bundle for Azure. Microsoft's library signs assertions with it for applications that have
 * a certificate; the function has a managed identity, and signs nothing. With what it brings it would be a tenth of all
 * that a cold request for credentials loads.
 */
export default {
  sign(): never {
    throw new Error("A function with a managed identity signs no assertion.");
  },
};
