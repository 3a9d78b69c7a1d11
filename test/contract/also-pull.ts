import { describe, expect, test } from "vitest";
import { digestOf, pullImage, pushImage } from "../../oci/client/index.ts";
import { buildImage } from "../oci/client/images.ts";
import type { Golden } from "./golden.ts";
import type { Subject } from "./suite.ts";

const bytes = Buffer.from("one more layer");
const blob = { digest: digestOf(bytes), body: bytes };
const refused = { status: expect.toSatisfy((status: number) => status === 401 || status === 403) };
const deletionRefused = { status: expect.toSatisfy((status: number) => [401, 403, 405].includes(status)) };

/** Builds that start from one repository and push to another, with one credential. */
export function alsoPullTests(
  subject: () => Subject,
  { publicPulls, credentialScope, lifetime, pushAlsoPulls = true }: Golden,
): void {
  const withImage = async (stem: string) => {
    const { suite, registry, fresh, client } = subject();
    const { name } = await suite.ok("createRepository", { registry, name: fresh(stem) });
    const image = buildImage({ seed: name });
    const pushing = await suite.ok("generateCredentials", { registry, repoId: name, permissions: "push-pull" });
    await pushImage(await client(pushing), name, "1.0", image);
    return { name, image };
  };
  const mint = (repoId: string, permissions: "pull" | "push-pull", alsoPull: readonly string[], more: object = {}) => {
    const { suite, registry } = subject();
    return suite.ok("generateCredentials", { registry, repoId, permissions, alsoPull, ...more });
  };

  describe("credentials that also pull from other repositories", () => {
    const most = pushAlsoPulls ? "push-pull" : "pull";

    if (!pushAlsoPulls) {
      test("push-pull: are refused where they would push to them as well", async () => {
        const { suite, registry } = subject();
        const [app, base] = [await withImage("app"), await withImage("base")];
        const input = { registry, repoId: app.name, permissions: "push-pull", alsoPull: [base.name] };
        const { body } = await suite.refused("generateCredentials", input);
        expect(body).toMatchObject({ code: "CLOUD_PLATFORM_ERROR", hint: expect.stringContaining("opens more") });
      });
    }

    test.each(["pull", ...(pushAlsoPulls ? (["push-pull"] as const) : [])] as const)(
      "%s: pull from each of them, and push to none of them",
      async (permissions) => {
        const [app, base, tools, other] = [
          await withImage("app"),
          await withImage("base"),
          await withImage("base"),
          await withImage("other"),
        ];
        const credentials = await mint(app.name, permissions, [base.name, tools.name]);
        expect(credentials.scope).toBe(credentialScope);
        const client = await subject().client(credentials);
        for (const { name, image } of [app, base, tools]) expect(await pullImage(client, name, "1.0")).toEqual(image);
        const built = buildImage({ seed: `${app.name} from ${base.name}` });
        if (permissions === "push-pull") {
          await pushImage(client, app.name, "2.0", built);
          expect(await pullImage(client, app.name, "2.0")).toEqual(built);
        } else {
          await expect(client.pushBlob(app.name, blob)).rejects.toMatchObject(refused);
        }
        for (const { name, image } of [base, tools]) {
          await expect(client.deleteManifest(name, image.manifest.digest)).rejects.toMatchObject(deletionRefused);
          // Credentials for the whole registry say so, and push to each of its repositories.
          if (credentialScope === "registry" && permissions === "push-pull") continue;
          await expect(client.pushBlob(name, blob)).rejects.toMatchObject(refused);
          await expect(client.pushManifest(name, "2.0", image.manifest)).rejects.toMatchObject(refused);
          await expect(client.pushManifest(name, "1.0", image.manifest)).rejects.toMatchObject(refused);
        }
        if (credentialScope === "registry") return;
        const beyond = publicPulls ? { status: 404 } : refused;
        for (const near of [`${base.name}/nested`, `${base.name}x`, base.name.replace(/\d+$/, "0")]) {
          await expect(client.pullManifest(near, "1.0")).rejects.toMatchObject(beyond);
          await expect(client.pushBlob(near, blob)).rejects.toMatchObject(refused);
        }
        if (!publicPulls) await expect(client.pullManifest(other.name, "1.0")).rejects.toMatchObject(refused);
        await expect(client.pushBlob(other.name, blob)).rejects.toMatchObject(refused);
      },
    );

    test("are written to the log with the routable names", async () => {
      const { suite, fresh } = subject();
      const [app, base] = [await withImage("app"), await withImage("base")];
      const { name: made } = await suite.ok("createRepository", { registry: "images", name: fresh("Base of ALL") });
      await mint(app.name, most, [base.name, made, base.name, app.name]);
      expect(suite.audit.at(-1)).toMatchObject({
        repoId: expect.any(String),
        alsoPull: [base.name, made].map(subject().ruleName),
        outcome: "OK",
      });
    });

    test("need a rule that allows pull on each", async () => {
      const { suite, registry, client } = subject();
      const [app, base, other] = [await withImage("app"), await withImage("base"), await withImage("other")];
      const input = { registry, repoId: app.name, permissions: "push-pull" };
      if (pushAlsoPulls) {
        const builder = await suite.ok("generateCredentials", { ...input, alsoPull: [base.name] }, "builder");
        expect(await pullImage(await client(builder), base.name, "1.0")).toEqual(base.image);
      }
      const alsoPull = [base.name, other.name];
      const { status, body } = await suite.refused("generateCredentials", { ...input, alsoPull }, "builder");
      expect([status, body.code]).toEqual([403, "ACCESS_DENIED"]);
      expect(body.message).toContain(`"${subject().ruleName(other.name)}"`);
      expect(JSON.stringify(body)).not.toContain("password");
      expect(suite.audit.at(-1)).toMatchObject({
        outcome: "ACCESS_DENIED",
        alsoPull: alsoPull.map(subject().ruleName),
        upstreamCalls: 0,
      });
    });

    test("of another registry, or of no repository, are refused by their place, before any call", async () => {
      const { suite, registry, otherRegistry, fresh } = subject();
      const { name } = await suite.ok("createRepository", { registry: otherRegistry, name: fresh("base") });
      for (const id of [name, "../base", "https://registry.example/base", `base@sha256:${"0".repeat(64)}`]) {
        const input = { registry, repoId: "app", permissions: "pull", alsoPull: ["base", id] };
        const { status, body } = await suite.refused("generateCredentials", input);
        expect([id, status, body.code, body.context]).toEqual([id, 400, "INVALID_INPUT", { field: "alsoPull.1" }]);
        expect(suite.audit.at(-1)?.upstreamCalls).toBe(0);
      }
    });

    if (lifetime !== "endless" && credentialScope === "repository") {
      test("are handed out again, until one of the repositories is deleted", async () => {
        const { suite, registry } = subject();
        const [app, base, tools] = [await withImage("app"), await withImage("base"), await withImage("base")];
        const ask = (...alsoPull: string[]) => mint(app.name, "pull", alsoPull, { ttlSeconds: 3_000 });
        const [first, plain] = [await ask(base.name, tools.name), await ask()];
        expect(await ask(tools.name, base.name)).toEqual(first);
        expect((await ask(base.name)).credentialId).not.toBe(first.credentialId);
        expect(plain.password).not.toBe(first.password);
        await suite.ok("deleteRepository", { registry, repoId: tools.name });
        expect((await ask(base.name, tools.name)).credentialId).not.toBe(first.credentialId);
        expect(await ask()).toEqual(plain);
      });
    }
  });
}
