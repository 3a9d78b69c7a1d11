import { defaultRegistry, type LocalSuite } from "./serve.ts";

/** What the server prints when it is ready: where it is, and the next three commands to paste. */
export function welcome({ url, registryUrl, settings }: LocalSuite): string {
  const { host } = new URL(registryUrl);
  const post = (operation: string, body: object, flags = "-sS") =>
    `curl ${flags} ${url}/v1/${operation} -H "Authorization: Bearer $ALIEN_CALLER_TOKEN" -d '${JSON.stringify(body)}'`;
  const password = `node -pe 'JSON.parse(require("fs").readFileSync(0)).password'`;
  const credentials = { registry: defaultRegistry, repoId: `${defaultRegistry}/my-app`, permissions: "push-pull" };
  return `
artifact-registry functions, local platform
  API       ${url}   (${url}/openapi.json)
  registry  ${registryUrl}
  data      ${settings.dataDir}

In another terminal:

  export ALIEN_CALLER_TOKEN=${settings.callerTokenIsNew ? settings.callerToken : "...   # the one that you started with"}

  # 1. create a repository
  ${post("createRepository", { registry: defaultRegistry, name: "my-app" })}

  # 2. mint credentials for it, for 15 minutes
  PASSWORD=$(${post("generateCredentials", { ...credentials, ttlSeconds: 900 }, "-fsS")} | ${password})

  # 3. push with them: docker, podman, skopeo, crane, ...
  echo "$PASSWORD" | docker login ${host} --username token --password-stdin
  skopeo copy --dest-tls-verify=false --dest-creds "token:$PASSWORD" oci:./my-image docker://${host}/${credentials.repoId}:1.0

ready
`;
}
