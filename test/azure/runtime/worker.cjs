// What the worker of the Functions host does with an app, in JavaScript of its own: it hands out `@azure/functions-core`,
// takes the functions that register themselves, and runs one by the programming model that the app's own copy of
// `@azure/functions` has set (Azure/azure-functions-nodejs-worker, InvocationHandler). No import that a function would need.
const { randomUUID } = require("node:crypto");
const Module = require("node:module");
// The real one speaks gRPC with the host: these of Node's own are there before any app.
for (const name of ["http", "http2", "net", "tls", "zlib"]) require(`node:${name}`);

const registered = new Map();
let model;
let hasStarted = false;

const core = {
  version: "4.0.0",
  hostVersion: "4.1044.400.0",
  Disposable: { from: () => ({ dispose() {} }) },
  registerFunction(metadata, callback) {
    if (hasStarted) throw new Error("A function can only be registered while the app starts.");
    if (registered.has(metadata.name))
      throw new Error(`A function of the name ${metadata.name} is registered already.`);
    registered.set(metadata.name, { metadata, callback });
    return { dispose() {} };
  },
  setProgrammingModel(given) {
    model = given;
  },
  getProgrammingModel: () => model,
  registerHook: () => ({ dispose() {} }),
  log: (_level, _category, message) => process.stdout.write(`${message}\n`),
};

const load = Module.prototype.require;
Module.prototype.require = function (request) {
  return request === "@azure/functions-core" ? core : load.call(this, request);
};

/** Loads an app by the file that its package.json names. */
async function start(folder) {
  require(folder);
  hasStarted = true;
  // As the worker asks when it starts; from then on the model is as it is.
  const { HttpUri: httpUri } = (await model?.getCapabilities({})) ?? {};
  return { functions: registered, httpUri };
}

/** Runs a function once. Rejects with what it threw. */
async function invoke(name, data, triggerMetadata = {}, invocationId = randomUUID()) {
  const { metadata, callback } = registered.get(name);
  const [binding] = Object.entries(metadata.bindings).find(([, { direction }]) => direction === "in");
  const request = { invocationId, functionId: name, inputData: [{ name: binding, data }], triggerMetadata };
  const invocation = model.getInvocationModel({ invocationId, metadata, request, log: core.log, state: "invocation" });
  const { context, inputs } = await invocation.getArguments();
  const result = await invocation.invokeFunction(context, inputs, callback);
  return invocation.getResponse(context, result);
}

module.exports = { invoke, start };
