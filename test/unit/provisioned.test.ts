import { expect, test } from "vitest";
import { type Call, startCall } from "../../core/call.ts";
import { proofOf } from "../../core/provisioned.ts";

const at = (seconds: number): Call =>
  startCall({
    requestId: "test",
    caller: { issuer: "door", subject: "test" },
    signal: new AbortController().signal,
    now: () => new Date(seconds * 1_000),
  });

function asking(ours: () => boolean) {
  const asked = { times: 0 };
  const prove = proofOf(async () => {
    asked.times++;
    return ours();
  });
  return { asked, prove };
}

test("a yes is believed for a minute, and no longer", async () => {
  const { asked, prove } = asking(() => true);
  for (const seconds of [100, 101, 160]) await prove(at(seconds));
  expect(asked.times).toBe(1);
  await prove(at(161));
  expect(asked.times).toBe(2);
});

test("what must be fresh is asked for anew, and believed from then on", async () => {
  const { asked, prove } = asking(() => true);
  await prove(at(100));
  await prove(at(150), "fresh");
  await prove(at(210));
  expect(asked.times).toBe(2);
});

test("a no is believed for no time, and takes an earlier yes back", async () => {
  let ours = true;
  const { asked, prove } = asking(() => ours);
  await prove(at(100));
  ours = false;
  const refusal = { code: "BINDING_NOT_CONFIGURED", retryable: false };
  await expect(prove(at(101), "fresh")).rejects.toMatchObject(refusal);
  await expect(prove(at(102))).rejects.toMatchObject(refusal);
  ours = true;
  await prove(at(103));
  expect(asked.times).toBe(4);
});

test("a question that fails takes an earlier yes back too", async () => {
  let fails = false;
  const { asked, prove } = asking(() => {
    if (fails) throw new Error("no answer");
    return true;
  });
  await prove(at(100));
  fails = true;
  await expect(prove(at(101), "fresh")).rejects.toThrow("no answer");
  fails = false;
  await prove(at(102));
  expect(asked.times).toBe(3);
});
