import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeImage, pushBlob, putManifest, type Send } from "../../oci/support.ts";
import type { Flooded } from "./container.ts";
import { besideFlood, sendFlood } from "./flood.ts";
import { startServer } from "./server.ts";

const mebibyte = 1_024 * 1_024;

/** The floods that the local server has to bear, by somebody with a credential to push to one repository. */
export const localFloods = {
  manifests: ({ connections = 200, bytes = 4 * mebibyte - 1 } = {}) => {
    return (url: string, authorization: string) =>
      sendFlood({
        url,
        connections,
        bytes,
        head: `PUT /v2/images/flood/manifests/latest HTTP/1.1\r\nHost: here\r\nAuthorization: ${authorization}\r\nContent-Length: ${bytes + 1}\r\n\r\n`,
      });
  },
  uploads: ({ sessions = 10_100 } = {}) => {
    return async (url: string, authorization: string) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 20 });
      const open = () =>
        new Promise<void>((resolve, reject) => {
          const options = { method: "POST", agent, headers: { authorization, "content-length": "0" } };
          request(`${url}/v2/images/flood/blobs/uploads/`, options, (answer) => {
            answer.resume().once("end", resolve);
          })
            .once("error", reject)
            .end();
        });
      for (let opened = 0; opened < sessions; opened += 100) await Promise.all(Array.from({ length: 100 }, open));
      return () => agent.destroy();
    };
  },
};

/** Floods the built local server (`dist/local` of a checkout), and pushes an image again and again beside it. */
export async function floodLocal(
  checkout: string,
  flood: (url: string, authorization: string) => Promise<() => void>,
): Promise<Flooded> {
  const dataDir = await mkdtemp(join(tmpdir(), "floods-"));
  const callerToken = randomBytes(24).toString("base64url");
  const env = { PORT: "0", REGISTRY_PORT: "0", DATA_DIR: dataDir, ALIEN_CALLER_TOKEN: callerToken };
  const ready = /API +(\S+)[\s\S]*registry +(http\S+)[\s\S]*^ready$/m;
  const server = await startServer(join(checkout, "dist/local/server.js"), env, ready);
  try {
    const [api = "", registry = ""] = server.said;
    const mint = async (repository: string) => {
      const answer = await fetch(`${api}/v1/generateCredentials`, {
        method: "POST",
        headers: { authorization: `Bearer ${callerToken}` },
        body: JSON.stringify({ registry: "images", repoId: repository, permissions: "push-pull" }),
      });
      const { password } = (await answer.json()) as { password: string };
      return `Basic ${Buffer.from(`token:${password}`).toString("base64")}`;
    };
    const [flooding, own] = await Promise.all([mint("images/flood"), mint("images/beside")]);
    const ask = () => push(registry, own, "images/beside");
    await ask();
    const before = await server.peak();
    const beside = await besideFlood(ask, () => flood(registry, flooding));
    return { ...beside, before, peak: await server.peak() };
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Pushes an image of two blobs, one of them by a session. @returns the first status that is not what it should be, else 201 */
async function push(registry: string, authorization: string, name: string): Promise<number> {
  const send: Send = async (method, path, { headers = {}, body } = {}) => {
    const answer = await fetch(`${registry}${path}`, {
      method,
      headers: { ...(headers as Record<string, string>), authorization, connection: "close" },
      ...(body === undefined ? {} : { body: body as string | Buffer<ArrayBuffer> }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: bytes, code: undefined };
  };
  const image = makeImage();
  const [layer = Buffer.alloc(0)] = image.layers;
  const session = await send("POST", `/v2/${name}/blobs/uploads/`);
  if (session.status !== 202) return session.status;
  const digest = image.manifest.match(/"layers".*?(sha256:[0-9a-f]{64})/)?.[1];
  const steps = [
    () => send("PUT", `${session.headers.location}?digest=${digest}`, { body: layer }),
    () => pushBlob(send, name, image.config),
    () => putManifest(send, name, "latest", image.manifest),
  ];
  for (const step of steps) {
    const { status } = await step();
    if (status !== 201) return status;
  }
  return 201;
}
