import type { Readiness } from "./readiness.ts";

type Serve = (request: Request) => Promise<Response>;

/**
 * The kubelet's questions, in front of everything else: `/livez` (and `/healthz`) while the process can answer at all,
 * `/readyz` while requests should come. They name no caller, count in no metric and stand in no audit log.
 */
export function withProbes(readiness: Readiness, next: Serve): Serve {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/readyz" && isRead(request)) {
      const state = await readiness.check();
      return answer(state === "ready" ? 200 : 503, state);
    }
    if (pathname === "/livez" && isRead(request)) return answer(200, "ok");
    return next(request);
  };
}

function isRead({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

function answer(status: number, state: string): Response {
  return Response.json({ status: state }, { status, headers: { "cache-control": "no-store" } });
}
