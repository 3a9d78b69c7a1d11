/** The thread that sends a flood. */
import { connect } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { parentPort, workerData } from "node:worker_threads";
import type { Flood } from "./flood.ts";

const { url, connections, head, bytes }: Flood = workerData;
const { protocol, hostname, port } = new URL(url);
const place = { host: hostname, port: Number(port) };
const all = Buffer.concat([Buffer.from(head), Buffer.alloc(bytes, "a")]);
/** How many may be on their way to be sent, so that the system does not have to drop any. */
const atOnce = 200;

let opened = 0;
let sent = 0;
function open(): void {
  if (opened === connections) return;
  opened++;
  // Whoever floods does not ask whom.
  const socket = protocol === "https:" ? connectSecurely({ ...place, rejectUnauthorized: false }) : connect(place);
  let done = false;
  const next = () => {
    if (done) return;
    done = true;
    sent++;
    if (sent === connections) parentPort?.postMessage("sent");
    open();
  };
  socket.on("error", () => undefined).on("close", next);
  socket.resume();
  socket.write(all, () => next());
}
for (let i = 0; i < atOnce; i++) open();
// A thread lives as long as there is something to wait for.
parentPort?.on("message", () => undefined);
