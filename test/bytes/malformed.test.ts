import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { malformed } from "./malformed.ts";
import { type Port, type Process, processes } from "./ports.ts";
import { type Answer, answersIn, sendBytes } from "./wire.ts";

/** Stands for a port until there is one: the titles of the rows are wanted before. */
const none = { address: { host: "", port: 0 }, path: "/", status: 200, authorization: "", post: "/" } as const;

describe.each(Object.entries(processes))("%s", (_name, { ports, start }) => {
  let process: Process | undefined;
  // Where a row has ended the server and failed, the next one gets another server.
  beforeEach(async () => {
    if (process !== undefined && !process.hasEnded()) return;
    await process?.remove();
    process = await start();
  });
  afterAll(() => process?.remove());

  describe.each(Object.entries(ports))("the port of the %s", (name, form) => {
    const titles = malformed({ ...none, form }).map(({ title }, row) => [title, row] as const);
    test.each(titles)("%s", async (_title, row) => {
      const port = process?.ports[name];
      const sent = port && malformed(port)[row];
      if (process === undefined || port === undefined || sent === undefined) throw new Error("There is no such row.");
      const received = await sendBytes(port.address, sent.pieces, sent.ending);
      if (sent.statuses !== undefined) {
        const answers = answersIn(received);
        expect(answers.map(({ status }) => status)).toEqual(sent.statuses);
        for (const answer of answers) if (refusals.includes(answer.status)) expectForm(answer, port);
      }
      await process.expectWell();
    });
  });

  test("then ends in good order, with nothing left open", async () => {
    await process?.stop();
    expect(process?.hasEnded()).toBe(true);
  });
});

/** The statuses for what is no request. Those for requests, as 401 and 404, are the business of other tests. */
const refusals = [400, 405, 413, 417, 431];

/** An error has the form that the port's clients know, whoever found it. */
function expectForm({ status, headers, body }: Answer, { form }: Port): void {
  expect(headers["content-type"]).toBe("application/json");
  const error = JSON.parse(body);
  if (form === "registry") {
    expect(error).toEqual({ errors: [{ code: expect.any(String), message: expect.any(String) }] });
  } else {
    expect(error).toMatchObject({ code: expect.any(String), message: expect.any(String), httpStatusCode: status });
    expect(error.requestId).toBe(headers["x-request-id"]);
  }
}
