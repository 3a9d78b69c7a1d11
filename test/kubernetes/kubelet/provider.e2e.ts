import { execFileSync, spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const source = "functions/kubernetes/kubelet";
const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false" };

/** What `go test -json` tells of a test (cmd/test2json). */
interface Event {
  readonly Action: string;
  readonly Test?: string;
  readonly Output?: string;
}

// Run while the tests are collected, so that each test of the provider counts as one.
const { stdout, stderr } = spawnSync("go", ["test", "-count=1", "-json", "./..."], {
  cwd: source,
  env,
  encoding: "utf8",
  maxBuffer: 1 << 26,
});
const events = stdout
  .split("\n")
  .filter(Boolean)
  .map((line) => JSON.parse(line) as Event);
const said = (name?: string) =>
  events
    .filter((each) => name === undefined || each.Test === name)
    .map(({ Output }) => Output ?? "")
    .join("");
const names = [...new Set(events.flatMap(({ Test }) => (Test === undefined ? [] : [Test])))];

test("the provider's own tests were built and run", () => {
  expect(names.length, stderr + said()).toBeGreaterThan(20);
});

test.each(names)("%s", (name) => {
  const ends = events.filter(({ Test, Action }) => Test === name && /^(?:pass|fail|skip)$/.test(Action));
  expect(
    ends.map(({ Action }) => Action),
    said(name),
  ).toEqual(["pass"]);
});

test("its source is formatted, passes Go's own checks, and imports the standard library alone", () => {
  expect(execFileSync("gofmt", ["-l", source], { encoding: "utf8" })).toBe("");
  execFileSync("go", ["vet", "./..."], { cwd: source, env, stdio: ["ignore", "ignore", "inherit"] });
  expect(execFileSync("go", ["list", "-m", "all"], { cwd: source, env, encoding: "utf8" }).trim()).toBe(
    "artifact-registry-functions/kubelet",
  );
  expect(execFileSync("gofmt", ["-l", "test/kubernetes/kubelet/program"], { encoding: "utf8" })).toBe("");
});
