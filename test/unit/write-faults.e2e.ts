import { dirname } from "node:path";
import { describe, vi } from "vitest";
import { editConfig } from "../../client/cli/docker/config-file.ts";
import { writeWholeFile } from "../../core/whole-file.ts";
import { createDurable } from "../../oci/registry/store/durable.ts";
import { openApiFiles, writeOpenApi } from "../../scripts/openapi.ts";
import { testWriter, type Writer } from "../support/write-faults.ts";

vi.mock("node:fs/promises", async (original) => {
  const { faulty } = await import("../support/faulty-files.ts");
  return faulty(await original());
});

const openApi = openApiFiles()["openapi.json"];
const text = "new\n".repeat(5_000);
const login = (file: string) =>
  editConfig(file, (config) => ({ ...config, auths: { ...config.auths, here: {} } }), new AbortController().signal, 0);
const others = { auths: { "other.example": { auth: "YTpi" } }, HttpHeaders: { "X-Meta": "1" } };
const firstLogin = (content: Buffer) => JSON.stringify(JSON.parse(content.toString())) === '{"auths":{"here":{}}}';
const loggedIn = (content: Buffer) =>
  JSON.stringify(JSON.parse(content.toString())) ===
  JSON.stringify({ ...others, auths: { ...others.auths, here: {} } });

const writers: readonly Writer[] = [
  {
    name: "a whole file that is new",
    file: "f",
    mode: 0o640,
    write: (file) => writeWholeFile(file, text, { mode: 0o640 }),
    isNew: (content) => content.toString() === text,
  },
  {
    name: "a whole file in the place of another",
    file: "f",
    before: "old\n".repeat(9_000),
    mode: 0o644,
    write: (file) => writeWholeFile(file, text),
    isNew: (content) => content.toString() === text,
  },
  {
    name: "a whole file behind a link",
    file: "elsewhere/f",
    link: "f",
    before: "old",
    mode: 0o600,
    write: (file) => writeWholeFile(file, text, { mode: 0o600 }),
    isNew: (content) => content.toString() === text,
  },
  {
    name: "login, the first one",
    file: "docker/config.json",
    mode: 0o600,
    write: login,
    isNew: firstLogin,
  },
  {
    name: "login beside others",
    file: "config.json",
    before: JSON.stringify(others),
    mode: 0o600,
    write: login,
    isNew: loggedIn,
  },
  {
    name: "login through a link",
    file: "dotfiles/docker.json",
    link: "config.json",
    before: JSON.stringify(others),
    mode: 0o600,
    write: login,
    isNew: loggedIn,
  },
  {
    name: "login through a link to nothing yet",
    file: "dotfiles/docker.json",
    link: "config.json",
    mode: 0o600,
    write: login,
    isNew: firstLogin,
  },
  {
    name: "the registry's manifests and tags",
    heldOpen: true,
    file: "f",
    before: "old",
    mode: 0o644,
    write: (file, folder) => createDurable(folder, folder).writeFile(file, Buffer.from(`media type\n${text}`)),
    isNew: (content) => content.toString() === `media type\n${text}`,
  },
  {
    name: "the OpenAPI document",
    file: "dist/openapi.json",
    before: "{}",
    mode: 0o644,
    write: (file) => writeOpenApi(dirname(file)),
    isNew: (content) => content.toString() === openApi,
  },
];

describe.each(writers)("$name", testWriter);
