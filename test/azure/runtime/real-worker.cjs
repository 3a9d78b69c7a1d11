// The real worker in the place of worker.cjs: starts it as the Functions host does, and speaks `FunctionRpc` with it
// (Azure/azure-functions-host, GrpcWorkerChannel and RpcWorkerProcess). `AZURE_FUNCTIONS_WORKER` is the folder in which
// somebody has built it; README.md beside this file tells how to run the tests over it.
const { spawn } = require("node:child_process");
const { randomUUID } = require("node:crypto");
const { join } = require("node:path");
const { Server, ServerCredentials } = require("@grpc/grpc-js");
const { loadSync } = require("@grpc/proto-loader");

const { AZURE_FUNCTIONS_WORKER: root, AZURE_FUNCTIONS_PLACEHOLDER: startsAsPlaceholder, ...environment } = process.env;
const main = join(root, "dist/src/nodejsWorker.js");
const hostVersion = "4.1044.400.0";
const waiting = new Map();
let stream;
let registered;

const isSystem = ({ logCategory }) => logCategory === "System";
const isShown = (log) => !isSystem(log) || ["Warning", "Error", "Critical"].includes(log.level);

function take(message) {
  const { requestId, content, rpcLog } = message;
  if (content === "rpcLog" && isShown(rpcLog)) process.stdout.write(`${rpcLog.message}\n`);
  const answer = message[content];
  const asked = waiting.get(requestId);
  if (content === "rpcLog" || asked === undefined) return;
  waiting.delete(requestId);
  const { status, exception } = answer.result ?? {};
  if (content === "startStream" || status === "Success") asked.resolve(answer);
  else asked.reject(Object.assign(new Error(exception?.message), { stack: exception?.stackTrace }));
}

/** Resolves with the message of this request id. Rejects where its result is a failure. */
const answerTo = (requestId) => new Promise((resolve, reject) => waiting.set(requestId, { resolve, reject }));

function ask(name, content) {
  const requestId = randomUUID();
  const answer = answerTo(requestId);
  stream.write({ requestId, [name]: content });
  return answer;
}

/** Serves `FunctionRpc` on a port that is free. Resolves with it. */
function serve() {
  const protos = join(root, "azure-functions-language-worker-protobuf/src/proto");
  const definition = loadSync("FunctionRpc.proto", {
    includeDirs: [protos],
    enums: String,
    longs: String,
    oneofs: true,
  });
  const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
  const server = new Server(unlimited);
  server.addService(definition["AzureFunctionsRpcMessages.FunctionRpc"], {
    eventStream(call) {
      stream = call;
      call.on("data", take);
    },
  });
  return new Promise((resolve, reject) => {
    const listening = (error, port) => (error ? reject(error) : resolve(port));
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), listening);
  });
}

/** Starts the worker's process, which opens the stream. It ends with the stream, and the host ends with it. */
async function startProcess(env) {
  const requestId = randomUUID();
  const args = {
    "functions-uri": `http://127.0.0.1:${await serve()}/`,
    "functions-worker-id": randomUUID(),
    "functions-request-id": requestId,
    "functions-grpc-max-message-length": "2147483647",
  };
  const opened = answerTo(requestId);
  const flags = Object.entries(args).flatMap(([name, value]) => [`--${name}`, value]);
  const worker = spawn(process.execPath, [main, ...flags], { env, stdio: ["ignore", "inherit", "inherit"] });
  worker.once("exit", () => process.exit(1));
  await opened;
}

/** The worker has started before anybody knows the app: then it is given its folder and its environment (specialization). */
async function specialize(folder) {
  // A folder in which there is no app.
  const functionAppDirectory = join(root, "dist");
  await ask("workerInitRequest", { hostVersion, workerDirectory: root, functionAppDirectory });
  // The host leaves out what is empty (GetFunctionEnvironmentReloadRequest).
  const environmentVariables = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  return ask("functionEnvironmentReloadRequest", { environmentVariables, functionAppDirectory: folder });
}

/** Loads the app in this folder. */
async function start(folder) {
  // Node reads the certificate of an emulator's authority when it starts, and not again.
  const { PATH, NODE_EXTRA_CA_CERTS } = environment;
  await startProcess(startsAsPlaceholder ? { PATH, NODE_EXTRA_CA_CERTS } : environment);
  const { capabilities = {} } = startsAsPlaceholder
    ? await specialize(folder)
    : await ask("workerInitRequest", { hostVersion, workerDirectory: root, functionAppDirectory: folder });
  const { functionMetadataResults = [] } = await ask("functionsMetadataRequest", { functionAppDirectory: folder });
  registered = new Map(functionMetadataResults.map((metadata) => [metadata.name, { metadata: ofTheHost(metadata) }]));
  for (const { functionId, ...metadata } of functionMetadataResults) {
    await ask("functionLoadRequest", { functionId, metadata });
  }
  return { functions: registered, httpUri: capabilities.HttpUri };
}

/** The host takes a function's bindings from `rawBindings` alone. */
function ofTheHost({ name, functionId, rawBindings }) {
  const bindings = rawBindings.map((raw) => JSON.parse(raw));
  return { name, functionId, bindings: Object.fromEntries(bindings.map((each) => [each.name, each])) };
}

/** Runs a function once. Rejects with what it threw. */
function invoke(name, data, triggerMetadata = {}, invocationId = randomUUID()) {
  const { functionId, bindings } = registered.get(name).metadata;
  const { name: trigger } = Object.values(bindings).find(({ direction }) => direction === "in");
  const inputData = [{ name: trigger, data }];
  return ask("invocationRequest", { invocationId, functionId, inputData, triggerMetadata });
}

module.exports = { invoke, start };
