/**
 * Loaded into a run of the helper before anything else: hosts that only a cloud has are found on this machine.
 * `ELSEWHERE` says which, as JSON of their names and ports.
 */
const http = require("node:http");
const https = require("node:https");
const { syncBuiltinESMExports } = require("node:module");

const ports = JSON.parse(process.env.ELSEWHERE);
for (const module of [http, https]) {
  const send = module.request;
  module.request = (...args) => {
    const named = typeof args[0] === "string" || args[0] instanceof URL;
    const url = named ? new URL(args[0]) : undefined;
    const done = args.find((each) => typeof each === "function");
    const options = { ...(url && { path: url.pathname + url.search }), ...(named ? args[1] : args[0]) };
    const port = ports[url?.hostname ?? options.hostname ?? options.host];
    if (port === undefined) return send(...args);
    const { agent: _, ...rest } = options;
    return new http.ClientRequest({ ...rest, protocol: "http:", host: "127.0.0.1", hostname: "127.0.0.1", port }, done);
  };
}
syncBuiltinESMExports();
