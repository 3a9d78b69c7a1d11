import { alters, always, answers, broken, drops, leads, requests, rewrites, says } from "./changes.ts";
import type { Mutation, Passing } from "./proxy.ts";

const ANY = "GET|HEAD|PUT|POST|PATCH|DELETE";
const challenge = "www-authenticate";

/** As a token endpoint that reads one scope and passes over the rest. */
function firstScopeOnly(passing: Passing): undefined {
  const [path, query] = passing.path.split("?");
  const given = new URLSearchParams(query);
  const first = given.get("scope")?.split(" ")[0] ?? "";
  given.set("scope", first);
  passing.path = `${path}?${given}`;
}

export const AUTHENTICATION: readonly Mutation[] = [
  broken("nobody is challenged", "challenge/", answers(ANY, /./, says(401, 200))),
  broken("who is not known is 403", "challenge/", answers(ANY, /./, says(401, 403))),
  broken("a challenge is left out", "challenge/", answers("GET", /./, drops(challenge))),
  broken(
    "a challenge is not quoted",
    "challenge/",
    answers(
      "GET|PUT",
      /./,
      alters(challenge, (value) => value.replaceAll('"', "")),
    ),
  ),
  broken(
    "a challenge has no scope",
    "challenge/",
    answers(
      "PUT",
      /./,
      alters(challenge, (value) => value.replace(/,scope="[^"]*"/, "")),
    ),
  ),
  broken(
    "a mount's challenge has one scope",
    "challenge/mount",
    answers(
      "POST",
      /mount=/,
      alters(challenge, (value) => value.replace(/(scope="[^" ]*) [^"]*"/, '$1"')),
    ),
  ),
  broken(
    "a mount with a token for the target alone is an upload",
    "challenge/mount",
    requests("POST", /mount=.*from=(?!not-)/, leads(/&from=[^&]*/, "")),
  ),
  broken("a mount that was not granted is refused", "challenge/mount", answers("POST", /from=not-/, says(202, 403))),
  broken("/v2 is open", "challenge/GET /v2", requests("GET", /^\/v2$/, always(200))),
  broken(
    "a token has one name only",
    "token by GET",
    answers(
      "GET",
      /\/token/,
      rewrites((body) => delete body.access_token),
    ),
  ),
  broken("a token may be stored", "token by GET", answers("GET", /\/token/, drops("cache-control"))),
  broken("tokens are not had by POST", "token by POST", requests("POST", /\/token/, always(404))),
  broken("only the first scope counts", "token of several", requests("GET", /\/token/, firstScopeOnly)),
  broken("a false password is taken", "token refused", answers("GET", /\/token/, says(401, 200))),
];
