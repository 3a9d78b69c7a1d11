import type { Platform } from "../../../core/platform.ts";
import { explainStart, stopOnSignals } from "../../../core/server/start.ts";
import { type Container, serveContainer } from "./serve.ts";

/** Runs the container's server until a signal ends it. What it says beside the audit log is JSON too, on stderr. */
export async function runServer(platform: Platform): Promise<void> {
  let container: Container;
  try {
    container = await serveContainer(platform, process.env, { warn: (message) => say("warning", message) });
  } catch (error) {
    say("error", explainStart(error, "Set PORT (the API) or METRICS_PORT to another one."));
    process.exitCode = 1;
    return;
  }
  stopOnSignals(async (signal) => {
    say("info", `${signal}: not ready any more; finishing what is in flight`);
    const whole = await container.close();
    if (!whole) say("warning", "stopped, but some requests had to be cut off");
    return whole ? 0 : 1;
  });
  // Last: whoever reads it may send a signal at once.
  say("info", `listening on ${container.url}, metrics on ${container.metricsUrl}`);
}

function say(level: "info" | "warning" | "error", message: string): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, message })}\n`);
}
