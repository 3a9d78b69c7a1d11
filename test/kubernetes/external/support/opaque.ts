import { type Proxy as Running, startProxy } from "../../../conformance/control/proxy.ts";
import { basicOf, type Login } from "../../support/files.ts";

/** What the tokens of a service open, whatever was asked for. */
export type Width = "as asked" | Login;

/**
 * The registry with tokens that tell nothing: random words, behind each of which stands the registry's own token, or
 * an account that opens more, as with registries whose tokens open all that their user may.
 */
export function startOpaque(upstream: string, width: Width, expiresIn?: number): Promise<Running> {
  const behind = new Map<string, string>();
  let count = 0;
  return startProxy(upstream, {
    name: "opaque tokens",
    caughtBy: "",
    request(passing) {
      const { authorization = "" } = passing.headers;
      const known = behind.get(authorization);
      if (known !== undefined) passing.headers.authorization = known;
      else if (authorization.startsWith("Bearer ")) passing.headers.authorization = "Bearer nobody";
      return undefined;
    },
    answer(returning) {
      if (!returning.asked.path.startsWith("/token") || returning.status !== 200) return;
      const { token } = JSON.parse(returning.body.toString()) as { token: string };
      const opaque = `opaque-word-${++count}`;
      behind.set(`Bearer ${opaque}`, width === "as asked" ? `Bearer ${token}` : basicOf(width));
      returning.body = Buffer.from(JSON.stringify({ token: opaque, ...(expiresIn && { expires_in: expiresIn }) }));
    },
  });
}
