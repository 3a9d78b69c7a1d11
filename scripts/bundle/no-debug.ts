/**
 * Stands for `debug` in the bundle for Azure. Agents for proxies, which Microsoft's libraries bring, log with it if the
 * variable DEBUG says so. What they log holds the headers of requests, so a function must not log it. With what it brings
 * it would be 2 % of all that a cold request for credentials loads.
 */
export default () => () => undefined;
