import { CreateTableCommand, DescribeTableCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import {
  createLeaseTable,
  grantPacking,
  type Held,
  type Outcome,
  type Plan,
} from "../../../functions/aws/lease/index.ts";
import { readIntents, readLease, readRecord } from "../../../functions/aws/lease/item.ts";
import { errorOf } from "../../support/inputs.ts";
import { type Dynamo, startDynamo } from "./dynamo.ts";
import { answeredWith, type Fate, startFunction } from "./function.ts";

let dynamo: Dynamo;
beforeAll(async () => {
  dynamo = await startDynamo();
});
afterAll(() => dynamo?.stop());

let count = 0;
const newRepository = () => `images-${++count}`;
const adds = (...grants: string[]): Plan => ({ adds: grants });
const removes = (...grants: string[]): Plan => ({ removes: grants });
const nowGranted = (...grants: string[]): Outcome<string> => ({ grants, documentHash: "hash", result: "result" });
const answering = (outcome: Outcome<string>) => async () => outcome;
const unanswered = () => Promise.reject(new ArtifactRegistryError("SERVICE_UNAVAILABLE", "no answer"));
const leaseOf = async (repository: string) => readLease(await dynamo.item(repository));
const recordOf = async (repository: string) => readRecord(await dynamo.item(repository));
const plansOf = async (repository: string) => readIntents(await dynamo.item(repository));
const refused = new ArtifactRegistryError("ACCESS_DENIED", "denied", { cause: answeredWith("AccessDenied") });

/** Takes the lease and dies: the edit never ends. @returns when the lease is held */
function crash(repository: string, plan: Plan = adds("x")): Promise<void> {
  const { lease, call } = startFunction(dynamo);
  return new Promise((resolve) => {
    lease.edit(repository, plan, call(), () => {
      resolve();
      return new Promise<never>(() => {});
    });
  });
}

/** As when the same owner took the lease once more. */
async function renew(repository: string): Promise<void> {
  await dynamo.client.send(
    new UpdateItemCommand({
      TableName: dynamo.tableName,
      Key: { repository: { S: repository } },
      UpdateExpression: "ADD #counter :one REMOVE seenMs",
      ExpressionAttributeNames: { "#counter": "counter" },
      ExpressionAttributeValues: { ":one": { N: "1" } },
    }),
  );
}

describe("an edit that nobody disturbs", () => {
  test("costs two requests, counted, and leaves what it answered", async () => {
    const repository = newRepository();
    const { lease, network, call, clock } = startFunction(dynamo);
    const first = call();
    const result = await lease.edit(repository, adds("b"), first, async ({ record }) => {
      expect(record).toBeUndefined();
      expect(await leaseOf(repository)).toMatchObject({ leaseMs: 10_000, seenMs: 0 });
      expect(await plansOf(repository)).toEqual(["+b"]);
      return nowGranted("b", "a", "b");
    });
    expect([result, first.upstreamCalls, network.sent]).toEqual(["result", 2, ["UpdateItem", "UpdateItem"]]);
    expect(await dynamo.item(repository)).toEqual({
      repository: { S: repository },
      counter: { N: "1" },
      lastOwner: { S: expect.any(String) },
      grants: { L: [{ S: "a" }, { S: "b" }] },
      documentHash: { S: "hash" },
      lastUpdated: { S: clock.date().toISOString() },
    });
    await lease.edit(repository, {}, call(), async ({ record }) => {
      expect(record).toEqual({ grants: ["a", "b"], documentHash: "hash", lastUpdated: clock.date(), deleted: false });
      return { grants: [], result: "" };
    });
    expect(await recordOf(repository)).toEqual({ grants: [], lastUpdated: clock.date(), deleted: false });
  });

  test("writes grants as it is told, and reads them so", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo, { packing: grantPacking });
    const grants = ["account:111111111111", "worker:111111111111:eu-west-1", "worker:111111111111:us-east-1"];
    await lease.edit(repository, adds(...grants), call(), answering(nowGranted(...grants)));
    const lines = ["account:111111111111", "worker:111111111111:eu-west-1,us-east-1"];
    expect(await dynamo.item(repository)).toMatchObject({ grants: { L: lines.map((line) => ({ S: line })) } });
    await lease.edit(repository, {}, call(), async ({ record, settle }) => {
      expect(record?.grants).toEqual(grants);
      expect(await settle(grants.slice(1))).toEqual(grants);
      return nowGranted("account:111111111111");
    });
    await lease
      .edit(repository, {}, call(), async ({ record }) => nowGranted(...(record?.grants ?? []), "stranger"))
      .then(
        () => expect.fail("it was written"),
        (error) => expect(error).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT" }),
      );
    expect(await leaseOf(repository)).toBeUndefined();
  });

  test("one that revokes is remembered, whatever the clock says later", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(dynamo);
    await lease.edit(repository, removes("a"), call(), answering(nowGranted()));
    const revoked = clock.date();
    expect(await recordOf(repository)).toMatchObject({ lastRevoked: revoked });
    clock.advance(-5_000);
    await lease.edit(repository, removes("a"), call(), answering(nowGranted()));
    clock.advance(9_000);
    await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
    expect(await recordOf(repository)).toMatchObject({ lastRevoked: revoked });
    await lease.edit(repository, removes("a"), call(), answering(nowGranted()));
    expect(await recordOf(repository)).toMatchObject({ lastRevoked: clock.date() });
  });

  test("an event that is not younger than the last revocation is refused, and the plan of it is dropped", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(dynamo);
    clock.advance(1_000);
    await lease.edit(repository, removes("a"), call(), answering(nowGranted()));
    const setUp = (asOf: Date) =>
      lease.edit(repository, adds("a"), call({ asOf }), async (held) => {
        const grants = await held.settle([]);
        held.refuseStale();
        return nowGranted(...grants, "a");
      });
    const error = await errorOf(() => setUp(clock.date()));
    expect([error.code, error.retryable, error.context]).toEqual(["RESOURCE_CONFLICT", false, { field: "time" }]);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, []]);
    await setUp(new Date(clock.date().getTime() + 1));
    expect(await recordOf(repository)).toMatchObject({ grants: ["a"] });
  });
});

describe("a deletion", () => {
  test("leaves a tombstone that the table forgets, until the repository is there again", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(dynamo);
    await lease.edit(repository, removes("*"), call(), answering({ grants: [], deleted: true, result: "" }));
    const seconds = clock.date().getTime() / 1_000;
    const tombstone = await dynamo.item(repository);
    expect(tombstone).toMatchObject({ deleted: { BOOL: true }, expiresAt: { N: String(seconds + 7_200) } });
    expect(readRecord(tombstone)).toMatchObject({ deleted: true, grants: [], lastRevoked: clock.date() });

    const failing = lease.edit(repository, adds("a"), call(), async () => {
      expect(await dynamo.item(repository)).not.toHaveProperty("expiresAt");
      throw refused;
    });
    await expect(failing).rejects.toBe(refused);
    expect(await dynamo.item(repository)).toHaveProperty("expiresAt");

    await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
    const item = await dynamo.item(repository);
    expect(item).not.toHaveProperty("expiresAt");
    expect(readRecord(item)).toMatchObject({ deleted: false, lastRevoked: clock.date() });
  });

  test("what was left of an edit of a repository that is not there is forgotten too", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo);
    await expect(lease.edit(repository, adds("a"), call(), () => Promise.reject(refused))).rejects.toBe(refused);
    expect(Object.keys((await dynamo.item(repository)) ?? {}).sort()).toEqual([
      "counter",
      "expiresAt",
      "lastOwner",
      "repository",
    ]);
  });
});

describe("an answer that was lost", () => {
  test.each([1, 2])("of request %i is recognised: one edit, one lease, nothing left behind", async (lostRequest) => {
    const repository = newRepository();
    const { lease, network, call } = startFunction(dynamo);
    network.fate = (request) => (request === lostRequest ? "lose the answer" : "pass");
    let runs = 0;
    await lease.edit(repository, adds("a"), call(), async () => {
      runs++;
      return nowGranted("a");
    });
    expect([runs, network.sent.length]).toEqual([1, 3]);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, []]);
    expect(await recordOf(repository)).toMatchObject({ grants: ["a"] });
  });

  test("of the record is recognised also when the next one has taken the lease since", async () => {
    const repository = newRepository();
    const { lease, network, call } = startFunction(dynamo);
    const other = startFunction(dynamo);
    let runs = 0;
    network.fate = async (request) => {
      if (request === 3) await other.lease.edit(repository, adds("b"), other.call(), answering(nowGranted("a", "b")));
      return request === 2 ? "lose the answer" : "pass";
    };
    await lease.edit(repository, adds("a"), call(), async () => {
      runs++;
      return nowGranted("a");
    });
    expect(runs).toBe(1);
    expect(await recordOf(repository)).toMatchObject({ grants: ["a", "b"] });
  });

  test("all of them: the lease that may have been taken is given back", async () => {
    const repository = newRepository();
    const { lease, network, call } = startFunction(dynamo);
    network.fate = (request) => (request <= 3 ? "lose the answer" : "pass");
    const error = await errorOf(() => lease.edit(repository, adds("a"), call(), answering(nowGranted("a"))));
    expect([error.code, error.retryable]).toEqual(["SERVICE_UNAVAILABLE", true]);
    expect(await leaseOf(repository)).toBeUndefined();
  });

  test("a request that is applied when its edit is long over takes nothing", async () => {
    const repository = newRepository();
    const { lease, network, call } = startFunction(dynamo);
    let input: object = {};
    network.client.middlewareStack.add(
      (next) => async (args) => {
        if (Object.keys(input).length === 0) input = args.input;
        return next(args);
      },
      { step: "initialize" },
    );
    await lease.edit(repository, adds("a"), call(), answering(nowGranted("a")));
    const again = dynamo.client.send(new UpdateItemCommand(input as never));
    await expect(again).rejects.toThrow("conditional request failed");
  });
});

describe("while somebody else holds the lease", () => {
  test("it is waited for, in growing steps, and taken when it is free", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(dynamo);
    const other = startFunction(dynamo);
    const release = Promise.withResolvers<Outcome<string>>();
    const holding = Promise.withResolvers<void>();
    const first = other.lease.edit(repository, adds("a"), other.call(), () => {
      holding.resolve();
      return release.promise;
    });
    await holding.promise;
    clock.meanwhile = async () => {
      if (clock.waits.length !== 5) return;
      release.resolve(nowGranted("a"));
      await first;
    };
    await lease.edit(repository, adds("b"), call(), async ({ record }) => nowGranted("b", ...(record?.grants ?? [])));
    expect(clock.waits).toEqual([100, 200, 400, 800, 1_000]);
    expect(await recordOf(repository)).toMatchObject({ grants: ["a", "b"] });
  });

  test("who waits until the end of the call is told to come back", async () => {
    const repository = newRepository();
    await crash(repository);
    const { lease, call, clock } = startFunction(dynamo);
    const over = new AbortController();
    clock.meanwhile = () => over.abort(new Error("over"));
    const edit = () => lease.edit(repository, adds("b"), call({ signal: over.signal }), answering(nowGranted("b")));
    const error = await errorOf(edit);
    expect([error.code, error.retryable, error.retryAfterSeconds]).toEqual(["RESOURCE_CONFLICT", true, 1]);
    expect(await leaseOf(repository)).toBeDefined();
  });

  test("a holder that vanished is waited for by our own clock, then its plan is taken over with its lease", async () => {
    const repository = newRepository();
    await crash(repository, adds("x"));
    const { lease, call, clock } = startFunction(dynamo, { leaseMs: 1 });
    await lease.edit(repository, removes("y"), call(), async (held) => {
      expect(await plansOf(repository)).toEqual(["+x", "-y"]);
      return nowGranted(...(await held.settle(["x"])));
    });
    expect(clock.now()).toBeGreaterThanOrEqual(10_000);
    expect(clock.now()).toBeLessThan(10_200);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, []]);
  });

  test("what those who gave up have seen is added up: calls shorter than the lease take over in the end", async () => {
    const repository = newRepository();
    await crash(repository);
    const outcomes: string[] = [];
    let waited = 0;
    for (let visit = 0; visit < 5 && outcomes.at(-1) !== "taken"; visit++) {
      // Another function each time, whose clock begins anew.
      const { lease, call, clock } = startFunction(dynamo);
      const over = new AbortController();
      clock.meanwhile = () => {
        if (clock.now() >= 4_000) over.abort(new Error("over"));
      };
      const edit = lease.edit(repository, adds("b"), call({ signal: over.signal }), answering(nowGranted("b")));
      outcomes.push(await edit.then(() => "taken").catch((error) => error.code));
      waited += clock.now();
    }
    expect(outcomes).toEqual(["RESOURCE_CONFLICT", "RESOURCE_CONFLICT", "taken"]);
    expect(waited).toBeGreaterThanOrEqual(10_000);
  });

  test("two who wait at the same time do not count twice", async () => {
    const repository = newRepository();
    await crash(repository);
    const both = [startFunction(dynamo), startFunction(dynamo)];
    await Promise.all(
      both.map(async ({ lease, call, clock }) => {
        const over = new AbortController();
        clock.meanwhile = () => {
          if (clock.now() >= 6_000) over.abort(new Error("over"));
        };
        const edit = lease.edit(repository, adds("b"), call({ signal: over.signal }), answering(nowGranted("b")));
        await expect(edit).rejects.toMatchObject({ code: "RESOURCE_CONFLICT" });
      }),
    );
    expect((await leaseOf(repository))?.seenMs).toBeLessThanOrEqual(6_000);
  });

  test("who has seen it for a shorter time does not take that back", async () => {
    const repository = newRepository();
    await crash(repository);
    const visit = async (untilMs: number, meanwhile = async () => {}) => {
      const { lease, call, clock } = startFunction(dynamo);
      const over = new AbortController();
      clock.meanwhile = async () => {
        await meanwhile();
        if (clock.now() >= untilMs) over.abort(new Error("over"));
      };
      const edit = lease.edit(repository, adds("b"), call({ signal: over.signal }), answering(nowGranted("b")));
      await expect(edit).rejects.toMatchObject({ code: "RESOURCE_CONFLICT" });
    };
    let longer: Promise<void> | undefined;
    await visit(3_000, () => {
      longer ??= visit(6_000);
      return longer;
    });
    expect((await leaseOf(repository))?.seenMs).toBeGreaterThan(4_000);
  });

  test("only what was seen is taken: a lease that changed hands at the last moment is another's", async () => {
    const repository = newRepository();
    await crash(repository);
    const { lease, call, clock, network } = startFunction(dynamo);
    let renewedAt = 0;
    network.fate = async (request, name): Promise<Fate> => {
      if (request > 1 && name === "UpdateItemCommand" && clock.now() >= 10_000 && renewedAt === 0) {
        renewedAt = clock.now();
        await renew(repository);
      }
      return "pass";
    };
    await lease.edit(repository, adds("b"), call(), answering(nowGranted("b")));
    expect(renewedAt).toBeGreaterThan(0);
    expect(clock.now() - renewedAt).toBeGreaterThanOrEqual(10_000);
  });

  test("it is read as it is, not as it was a while ago", async () => {
    const repository = newRepository();
    await crash(repository);
    const { lease, call, network } = startFunction(dynamo);
    const reads: object[] = [];
    network.client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === "GetItemCommand") reads.push(args.input);
          return next(args);
        },
      { step: "initialize" },
    );
    await lease.edit(repository, adds("b"), call(), answering(nowGranted("b")));
    expect(reads.length).toBeGreaterThan(0);
    for (const read of reads) expect(read).toMatchObject({ ConsistentRead: true });
  });

  test("another lease is waited for anew", async () => {
    const repository = newRepository();
    await crash(repository);
    const { lease, call, clock } = startFunction(dynamo);
    let crashedAgain = 0;
    clock.meanwhile = async () => {
      if (clock.now() < 9_000 || crashedAgain > 0) return;
      crashedAgain = clock.now();
      await renew(repository);
    };
    await lease.edit(repository, adds("b"), call(), answering(nowGranted("b")));
    expect(clock.now() - crashedAgain).toBeGreaterThanOrEqual(10_000);
  });
});

describe("writing", () => {
  const lateWrites: [string, (held: Held) => unknown][] = [
    ["guard", (held) => held.guard(5_000)],
    ["write", (held) => held.write("Test", 5_000, async () => expect.fail("it was sent"))],
  ];
  test.each(lateWrites)("%s refuses unless more than its time is left", async (_, late) => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(dynamo);
    const upstream = call();
    const edit = lease.edit(repository, adds("a"), upstream, async (held) => {
      clock.advance(4_999);
      expect(held.guard(5_000)).toBe(5_000);
      clock.advance(1);
      await late(held);
      return nowGranted("a");
    });
    const error = await errorOf(() => edit);
    expect([error.code, error.retryable, upstream.upstreamCalls]).toEqual(["TIMEOUT", true, 1]);
  });

  test("the lease counts from before it was asked for", async () => {
    const { lease, call, clock, network } = startFunction(dynamo);
    network.fate = (request) => {
      if (request === 1) clock.advance(6_000);
      return "pass";
    };
    const edit = lease.edit(newRepository(), adds("a"), call(), async (held) => {
      held.guard(4_000);
      return nowGranted("a");
    });
    await expect(edit).rejects.toMatchObject({ code: "TIMEOUT" });
  });

  test("a machine that was halted along with its monotonic clock is seen by the time of day", async () => {
    const { lease, clock, call } = startFunction(dynamo);
    let halted = 0;
    const halting = { ...clock, date: () => new Date(halted) };
    const edit = lease.edit(newRepository(), adds("a"), call({ clock: halting }), async (held) => {
      halted = 9_000;
      expect(() => held.guard(2_000)).toThrow("Too little time");
      // And a time of day that was set back gives nothing.
      halted = -9_000;
      clock.advance(9_000);
      expect(() => held.guard(2_000)).toThrow("Too little time");
      return nowGranted("a");
    });
    await edit;
  });

  test("nothing is written once the call is over", async () => {
    const { lease, call } = startFunction(dynamo);
    const over = new AbortController();
    const edit = lease.edit(newRepository(), adds("a"), call({ signal: over.signal }), async (held) => {
      over.abort(new Error("over"));
      expect(() => held.guard(1)).toThrow("Too little time");
      return nowGranted("a");
    });
    await edit;
  });

  test("a write is repeated only while there is time for it", async () => {
    const { lease, call, clock } = startFunction(dynamo);
    let tries = 0;
    const edit = lease.edit(newRepository(), adds("a"), call(), async (held) => {
      await held.write("Test", 4_000, async () => {
        tries++;
        clock.advance(4_000);
        throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "no answer", { retryable: true });
      });
      return nowGranted("a");
    });
    await expect(edit).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(tries).toBe(2);
  });
});

describe("an edit that fails", () => {
  test("before it has written gives the lease back, drops its plan and keeps those of others", async () => {
    const repository = newRepository();
    await crash(repository, removes("x"));
    const { lease, call } = startFunction(dynamo);
    await expect(lease.edit(repository, adds("a"), call(), () => Promise.reject(refused))).rejects.toBe(refused);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, ["-x"]]);
  });

  test("after it has written, or may have, leaves its plan", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo);
    await lease.edit(repository, {}, call(), answering(nowGranted("b", "x")));
    const edit = lease.edit(repository, { adds: ["a"], removes: ["b"] }, call(), async (held) => {
      await held.write("Test home", 1_000, async () => {});
      return held.write("Test replica", 1_000, () => Promise.reject(refused));
    });
    await expect(edit).rejects.toBe(refused);
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([undefined, ["+a", "-b"]]);
    await lease.edit(repository, adds("c"), call(), async (held) =>
      // The document as it was written, and fallen behind in what nobody edited.
      nowGranted(...(await held.settle(["a"]))),
    );
    expect(await recordOf(repository)).toMatchObject({ grants: ["a", "x"], lastRevoked: expect.any(Date) });
  });

  test("a revocation that took effect in it makes older events stale", async () => {
    const repository = newRepository();
    const { lease, call, clock } = startFunction(dynamo);
    await lease.edit(repository, {}, call(), answering(nowGranted("a")));
    await crash(repository, removes("a"));
    const setUp = lease.edit(repository, adds("a"), call({ asOf: clock.date() }), async (held) => {
      await held.settle([]);
      held.refuseStale();
      return nowGranted("a");
    });
    await expect(setUp).rejects.toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
  });

  test.each([
    ["a write", (held: Held) => held.write("Test", 1_000, unanswered)],
    ["a guarded request", (held: Held) => unanswered().finally(() => held.guard(1_000))],
  ])("by %s without an answer keeps the lease until it is over: it may be applied late", async (_, write) => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo);
    const edit = lease.edit(repository, adds("a"), call(), async (held) => {
      await write(held);
      return nowGranted("a");
    });
    await expect(edit).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    expect([await leaseOf(repository), await plansOf(repository)]).toEqual([expect.anything(), ["+a"]]);
  });

  test("one whose write was answered at the second try is recorded, and the lease still kept", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo);
    let tries = 0;
    await lease.edit(repository, adds("a"), call(), async (held) => {
      await held.write("Test", 1_000, async () => {
        if (++tries === 1) throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "no answer", { retryable: true });
      });
      return nowGranted("a");
    });
    expect(await leaseOf(repository)).toBeDefined();
    expect(await recordOf(repository)).toMatchObject({ grants: ["a"] });
    const other = startFunction(dynamo);
    await other.lease.edit(repository, adds("b"), other.call(), answering(nowGranted("a", "b")));
    expect(other.clock.now()).toBeGreaterThanOrEqual(10_000);
  });

  test("because its call is over gives the lease back all the same, at every point", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo);
    const gone = (over: AbortController) => {
      over.abort(new Error("gone"));
      return new ArtifactRegistryError("TIMEOUT", "over", { retryable: true });
    };
    const reading = new AbortController();
    const edit = lease.edit(repository, adds("a"), call({ signal: reading.signal }), () =>
      Promise.reject(gone(reading)),
    );
    await expect(edit).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(await leaseOf(repository)).toBeUndefined();

    const recording = new AbortController();
    await lease.edit(repository, adds("a"), call({ signal: recording.signal }), async () => {
      gone(recording);
      return nowGranted("a");
    });
    expect([await leaseOf(repository), (await recordOf(repository))?.grants]).toEqual([undefined, ["a"]]);

    const taking = new AbortController();
    const other = startFunction(dynamo);
    other.network.client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        if (!taking.signal.aborted) gone(taking);
        return answer;
      },
      { step: "initialize" },
    );
    const late = other.lease.edit(repository, adds("b"), other.call({ signal: taking.signal }), () =>
      expect.fail("ran"),
    );
    await expect(late).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(await leaseOf(repository)).toBeUndefined();
  });

  test("giving back is best effort: the error of the edit is told", async () => {
    const { lease, call, network } = startFunction(dynamo);
    network.fate = (request) => (request > 1 ? "never arrive" : "pass");
    await expect(lease.edit(newRepository(), adds("a"), call(), () => Promise.reject(refused))).rejects.toBe(refused);
  });
});

describe("an edit that outlived its lease", () => {
  test("is run again on what the next holder left, and so repairs its own late write", async () => {
    const repository = newRepository();
    const slow = startFunction(dynamo);
    const quick = startFunction(dynamo);
    let document: string[] = [];
    let runs = 0;
    await slow.lease.edit(repository, adds("a"), slow.call(), async (held) => {
      const grants = [...(await held.settle(document)), "a"];
      await held.write("Test", 1_000, async () => {
        if (++runs > 1) return;
        await quick.lease.edit(repository, adds("b"), quick.call(), async (other) => {
          document = [...(await other.settle(document)), "b"];
          return nowGranted(...document);
        });
      });
      document = grants;
      return nowGranted(...grants);
    });
    expect([runs, document, (await recordOf(repository))?.grants]).toEqual([2, ["b", "a"], ["a", "b"]]);
  });

  test("is run again also where the record may have been its own: it cannot be told any more", async () => {
    const repository = newRepository();
    const slow = startFunction(dynamo);
    slow.network.fate = async (request) => {
      if (request === 2) return "lose the answer";
      if (request !== 3) return "pass";
      slow.clock.advance(10_000);
      const quick = startFunction(dynamo);
      await quick.lease.edit(repository, adds("b"), quick.call(), answering(nowGranted("b")));
      return "pass";
    };
    let runs = 0;
    await slow.lease.edit(repository, adds("a"), slow.call(), async ({ record }) => {
      runs++;
      return nowGranted("a", ...(record?.grants ?? []));
    });
    expect([runs, (await recordOf(repository))?.grants]).toEqual([2, ["a", "b"]]);
  });

  test("again and again is told to come back", async () => {
    const repository = newRepository();
    const slow = startFunction(dynamo);
    let runs = 0;
    const edit = slow.lease.edit(repository, adds("a"), slow.call(), async () => {
      runs++;
      const quick = startFunction(dynamo);
      await quick.lease.edit(repository, adds("b"), quick.call(), answering(nowGranted("b")));
      return nowGranted("a");
    });
    const error = await errorOf(() => edit);
    expect([runs, error.code, error.retryable]).toEqual([3, "RESOURCE_CONFLICT", true]);
    expect(await recordOf(repository)).toMatchObject({ grants: ["b"] });
  });

  test("does not say that nothing was changed when there is no time to run again", async () => {
    const repository = newRepository();
    const slow = startFunction(dynamo);
    const over = new AbortController();
    const edit = slow.lease.edit(repository, adds("a"), slow.call({ signal: over.signal }), async () => {
      const quick = startFunction(dynamo);
      await quick.lease.edit(repository, adds("b"), quick.call(), answering(nowGranted("b")));
      await crash(repository);
      slow.clock.meanwhile = () => over.abort(new Error("over"));
      return nowGranted("a");
    });
    const error = await errorOf(() => edit);
    expect([error.code, error.retryable, error.hint]).toEqual([
      "RESOURCE_CONFLICT",
      true,
      expect.stringMatching(/may/),
    ]);
  });
});

describe("grants in statements of earlier tools", () => {
  test("are written down before they are written anew, so that a crash does not lose them", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo);
    await lease.edit(repository, {}, call(), answering(nowGranted("a")));
    const upstream = call();
    const edit = lease.edit(repository, adds("b"), upstream, async (held) => {
      expect(await held.settle(["a"], ["old"])).toEqual(["a", "old"]);
      expect(await plansOf(repository)).toEqual(["+b", "+old"]);
      held.guard(1_000);
      throw refused;
    });
    await expect(edit).rejects.toBe(refused);
    expect(upstream.upstreamCalls).toBe(3);
    await lease.edit(repository, adds("c"), call(), async (held) =>
      nowGranted(...(await held.settle(["a", "b", "old"]))),
    );
    expect(await recordOf(repository)).toMatchObject({ grants: ["a", "b", "old"] });
  });

  test("stop an edit whose lease is another's by then", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo);
    await lease.edit(repository, {}, call(), answering(nowGranted("a")));
    const edit = lease.edit(repository, adds("b"), call(), async (held) => {
      const quick = startFunction(dynamo);
      await quick.lease.edit(repository, {}, quick.call(), answering(nowGranted("a")));
      await held.settle(["a"], ["old"]);
      return expect.fail("it went on");
    });
    await expect(edit).rejects.toMatchObject({ code: "RESOURCE_CONFLICT", retryable: true });
    expect(await plansOf(repository)).toEqual([]);
  });

  test("cost nothing more once they are recorded, or where nothing is", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo);
    for (let round = 0; round < 2; round++) {
      const upstream = call();
      const work = async (held: Held) => nowGranted(...(await held.settle([], ["old"])));
      await lease.edit(repository, adds("a"), upstream, work);
      expect(upstream.upstreamCalls).toBe(2);
    }
  });
});

describe("what DynamoDB refuses", () => {
  const cases: [string, Fate, string, boolean, RegExp][] = [
    [
      "ResourceNotFoundException",
      answeredWith("ResourceNotFoundException"),
      "BINDING_CONFIG_INVALID",
      false,
      /repository/,
    ],
    [
      "AccessDeniedException",
      answeredWith("AccessDeniedException"),
      "ACCESS_DENIED",
      false,
      /dynamodb:UpdateItem.*leases/,
    ],
    ["ThrottlingException", answeredWith("ThrottlingException"), "RATE_LIMIT_EXCEEDED", true, /undefined/],
    ["no answer", "never arrive", "SERVICE_UNAVAILABLE", true, /undefined/],
    ["InternalServerError", answeredWith("InternalServerError", 500), "SERVICE_UNAVAILABLE", true, /undefined/],
    [
      "ProvisionedThroughputExceededException",
      answeredWith("ProvisionedThroughputExceededException"),
      "RATE_LIMIT_EXCEEDED",
      true,
      /undefined/,
    ],
  ];
  test.each(cases)("%s", async (_, fate, code, retryable, hint) => {
    const { lease, call, network } = startFunction(dynamo);
    network.fate = () => fate;
    const error = await errorOf(() => lease.edit(newRepository(), {}, call(), answering(nowGranted())));
    expect([error.code, error.retryable]).toEqual([code, retryable]);
    expect(String(error.hint)).toMatch(hint);
    expect(JSON.stringify(error.toWire("r"))).not.toContain("secret");
  });

  test("once: what is retryable is tried again", async () => {
    const { lease, call, network } = startFunction(dynamo);
    network.fate = (request) => (request % 2 === 1 ? answeredWith("ThrottlingException") : "pass");
    expect(await lease.edit(newRepository(), {}, call(), answering(nowGranted()))).toBe("result");
    expect(network.sent).toHaveLength(4);
  });

  test("a table that is missing, or has another key, is named", async () => {
    const { client } = dynamo;
    const definition = [{ AttributeName: "id", AttributeType: "S" as const }];
    const key = [{ AttributeName: "id", KeyType: "HASH" as const }];
    await client.send(
      new CreateTableCommand({
        TableName: "other-key",
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: definition,
        KeySchema: key,
      }),
    );
    await expect
      .poll(async () => (await client.send(new DescribeTableCommand({ TableName: "other-key" }))).Table?.TableStatus)
      .toBe("ACTIVE");
    for (const tableName of ["missing", "other-key"]) {
      const { lease, call } = startFunction(dynamo, { tableName });
      const error = await errorOf(() => lease.edit("r", {}, call(), answering(nowGranted())));
      expect([error.code, error.context]).toEqual(["BINDING_CONFIG_INVALID", { field: "leaseTable" }]);
      expect(error.message).toContain(tableName);
    }
  });

  test("an item that is not ours is not taken for an empty one, and the lease is given back", async () => {
    const repository = newRepository();
    const { lease, call } = startFunction(dynamo);
    const write = (grants: object) =>
      dynamo.client.send(
        new UpdateItemCommand({
          TableName: dynamo.tableName,
          Key: { repository: { S: repository } },
          UpdateExpression: "SET grants = :grants",
          ExpressionAttributeValues: { ":grants": grants as never },
        }),
      );
    for (const grants of [{ S: "a" }, { L: [{ N: "1" }] }, { L: [] }]) {
      await write(grants);
      const error = await errorOf(() => lease.edit(repository, {}, call(), answering(nowGranted())));
      expect([error.code, error.retryable]).toEqual(["UNEXPECTED_RESPONSE_FORMAT", false]);
      expect(await leaseOf(repository)).toBeUndefined();
    }
  });
});

test("the client is made when it is first needed, and again if that failed", async () => {
  let made = 0;
  const client = async () => {
    if (++made === 1) throw new ArtifactRegistryError("SERVICE_UNAVAILABLE", "not yet");
    return dynamo.client;
  };
  const { call } = startFunction(dynamo);
  const lease = createLeaseTable({ tableName: dynamo.tableName, leaseMs: 1_000, client });
  expect(made).toBe(0);
  await expect(lease.edit(newRepository(), {}, call(), answering(nowGranted()))).rejects.toThrow("not yet");
  await lease.edit(newRepository(), {}, call(), answering(nowGranted()));
  await lease.edit(newRepository(), {}, call(), answering(nowGranted()));
  // The lease that may have been taken was given back by the second.
  expect(made).toBe(2);
});
