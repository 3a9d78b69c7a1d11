import { paint } from "./terminal.ts";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const quietMs = 300;
const frameMs = 100;

/**
 * Shows on the standard error that something is under way, once it has taken a moment, and wipes it away in the end.
 *
 * @param visible false for scripts; where there is no terminal nothing is shown either
 */
export async function withProgress<T>(what: string, visible: boolean, work: () => Promise<T>): Promise<T> {
  const { stderr } = process;
  if (!visible || !stderr.isTTY) return work();
  let frame = 0;
  let shown = false;
  const show = () => {
    shown = true;
    stderr.write(`\r${paint(stderr, "cyan", frames[frame++ % frames.length] ?? "")} ${what} ...\x1b[K`);
  };
  let timer = setTimeout(() => {
    show();
    timer = setInterval(show, frameMs);
  }, quietMs);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    if (shown) stderr.write("\r\x1b[K");
  }
}
