import { Console } from "node:console";
import { Writable } from "node:stream";
import { format, inspect } from "node:util";
import { serialize } from "node:v8";
import { expect, test } from "vitest";
import { Secret } from "../../core/secret.ts";

const value = "hunter2-canary";
const secret = new Secret(value);
const holder = { user: "token", nested: { list: [secret], map: new Map([["password", secret]]) } };

function logged(write: (console: Console) => void): string {
  const chunks: string[] = [];
  const stdout = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  write(new Console({ stdout }));
  return chunks.join("");
}

test("reveals itself only when asked", () => {
  expect(secret.reveal()).toBe(value);
});

test.each<[string, string]>([
  ["a template", `${secret}`],
  ["concatenation", `password: ${String(secret)}`],
  ["an array's join", [secret].join()],
  ["JSON", JSON.stringify({ secret, holder: { secret } })],
  ["util.inspect", inspect(secret)],
  ["util.inspect, deep", inspect(holder, { depth: null, showHidden: true, getters: true })],
  ["format %s", format("%s", secret)],
  ["format %o", format("%o", secret)],
  ["format %j", format("%j", { secret })],
  ["console.log", logged((console) => console.log(secret))],
  ["console.log of an object that holds it", logged((console) => console.log("%O", holder))],
  ["console.table", logged((console) => console.table([{ secret }]))],
])("prints as [redacted] in %s", (_title, text) => {
  expect(text).toContain("[redacted]");
  expect(text).not.toContain(value);
});

test.each<[string, () => string]>([
  ["its own keys", () => Reflect.ownKeys(secret).join()],
  ["its entries", () => JSON.stringify(Object.entries(secret))],
  ["a copy by spread", () => inspect({ ...secret })],
  ["a structured clone", () => inspect(structuredClone(secret))],
  ["serialisation", () => serialize(secret).toString("latin1")],
  ["an inspector without custom forms", () => inspect(secret, { customInspect: false, showHidden: true })],
  // console.dir leaves custom forms out.
  ["console.dir, everything shown", () => logged((console) => console.dir(holder, { depth: null, showHidden: true }))],
  ["an error's cause", () => inspect(new Error("failed", { cause: holder }), { depth: null })],
  ["an error's message", () => inspect(new Error(`failed with ${secret}`))],
])("is not found in %s", (_title, text) => {
  expect(text()).not.toContain(value);
});
