import { describe, expect, it, vi } from "vitest";
import { type Helper, ProtocolError, runAction } from "../../../client/credential-helper/protocol.ts";

const helper = {
  get: vi.fn<Helper["get"]>(async () => ({ username: "u", password: "p" })),
  store: vi.fn<Helper["store"]>(async () => {}),
  erase: vi.fn<Helper["erase"]>(async () => {}),
  list: async () => ({ "a.example": "u" }),
  version: async () => "(package) 1.0.0",
};
const run = (args: string[], stdin = "") => runAction(helper, args, async () => stdin);

describe("the protocol", () => {
  it("answers get in JSON, with the server as it was asked for", async () => {
    expect(await run(["get"], "https://a.example/v2/\n")).toBe(
      '{"ServerURL":"https://a.example/v2/","Username":"u","Secret":"p"}\n',
    );
    expect(helper.get).toHaveBeenCalledWith("https://a.example/v2/");
  });

  it("passes on what is to be stored, but for the password", async () => {
    expect(await run(["store"], '{"ServerURL":"a.example","Username":"u","Secret":"p"}')).toBe("");
    expect(helper.store).toHaveBeenCalledExactlyOnceWith("a.example", "u");
  });

  it("erases in silence", async () => {
    expect(await run(["erase"], "a.example")).toBe("");
    expect(helper.erase).toHaveBeenCalledWith("a.example");
  });

  it("lists, and tells its version", async () => {
    expect(JSON.parse(await run(["list"], "unused"))).toEqual({ "a.example": "u" });
    expect(await run(["version"])).toBe("docker-credential-alien (package) 1.0.0\n");
  });

  it.each([
    [["get"], "", "no credentials server URL"],
    [["get"], " \n", "no credentials server URL"],
    [["erase"], "", "no credentials server URL"],
    [["store"], "{}", "no credentials server URL"],
    [["store"], "null", "no credentials server URL"],
    [["store"], '{"ServerURL":7,"Username":"u"}', "no credentials server URL"],
    [["store"], '{"ServerURL":"a.example"}', "no credentials username"],
    [["store"], '{"ServerURL":"a.example","Username":""}', "no credentials username"],
    [["store"], '{"Secret":"p4ssw0rd"', "The login to be stored is not JSON"],
    [["login"], "", "Unknown credential action `login`"],
    [[], "", "Usage: docker-credential-alien <store|get|erase|list|version>"],
    [["get", "more"], "a.example", "Usage: docker-credential-alien <store|get|erase|list|version>"],
  ])("refuses %j with %j in the words that clients know", async (args, stdin, words) => {
    await expect(run(args, stdin)).rejects.toThrow(new ProtocolError(words));
  });
});
