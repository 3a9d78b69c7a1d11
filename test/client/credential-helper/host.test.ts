import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hostOf } from "../../../client/credential-helper/configuration.ts";

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const port = fc.integer({ min: 1, max: 65_535 }).filter((one) => one !== 443);
const host = fc.oneof(
  name,
  fc.tuple(name, port).map(([one, at]) => `${one}:${at}`),
);

describe("the host of a server's URL", () => {
  it("is the same in every form that clients use", () => {
    const path = fc.constantFrom("", "/", "/v1/", "/v2/", "/team/app", "/v2/?scope=x", "#x");
    const scheme = fc.constantFrom("", "https://", "http://", "HTTPS://");
    fc.assert(
      fc.property(host, scheme, path, fc.boolean(), (one, before, after, loud) => {
        expect(hostOf(`${before}${loud ? one.toUpperCase() : one}${after}`)).toBe(one);
      }),
    );
  });

  it("is another with another port, but for 443", () => {
    fc.assert(
      fc.property(name, port, (one, at) => {
        expect(hostOf(`${one}:${at}`)).not.toBe(hostOf(one));
        expect(hostOf(`https://${one}:443/v2/`)).toBe(one);
        expect(hostOf(`${one}:443`)).toBe(one);
        expect(hostOf(`http://${one}:443`)).toBe(`${one}:443`);
      }),
    );
  });

  it("may be an address", () => {
    expect(hostOf("http://127.0.0.1:5000/v2/")).toBe("127.0.0.1:5000");
    expect(hostOf("[::1]:5000")).toBe("[::1]:5000");
    expect(hostOf(" registry.example.com\n")).toBe("registry.example.com");
  });

  it("is never what stands before an @, nor after a space", () => {
    fc.assert(
      fc.property(host, host, (one, other) => {
        expect(hostOf(`https://${one}@${other}/v2/`)).toBeUndefined();
        expect(hostOf(`${one} ${other}`)).toBeUndefined();
      }),
    );
  });

  it.each(["", "https://", "/v2/", "a:b:c", "host:port", "ho$t", "::1"])("is none in %j", (text) => {
    expect(hostOf(text)).toBeUndefined();
  });
});
