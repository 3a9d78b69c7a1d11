import { ArtifactRegistryError, artifactRegistry } from "artifact-registry-functions";

/** A worker as its author writes it: who it is and where its registry is, its environment says. */
const print = (line: object) => console.log(JSON.stringify(line));

try {
  const registry = await artifactRegistry("images");
  const { name, uri } = await registry.createRepository("workers/app");
  const push = await registry.generateCredentials(name, "push-pull", 900);
  const pull = await registry.generateCredentials(name, "pull", 900);
  print({ endpoint: registry.registryEndpoint, name, uri, push, pull, found: await registry.getRepository(name) });
  // Whoever runs it ends its input when the images have been used.
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.once("end", resolve));
  await registry.deleteRepository(name);
  print({ deleted: name });
} catch (error) {
  if (!(error instanceof ArtifactRegistryError)) throw error;
  const { code, message, hint, retryable, httpStatusCode, requestId } = error;
  console.error(JSON.stringify({ code, message, hint, retryable, httpStatusCode, requestId }));
  process.exitCode = 1;
}
