import { rollingRestart } from "../kubernetes/rolling/run.ts";

/** `npm run bench:rolling [connections] [seconds]`: the container under load with a rolling restart in the middle. */
const [connections = 200, seconds = 60] = process.argv.slice(2).map(Number);
const result = await rollingRestart({ connections, seconds: seconds / 2 });
const answered = result.answered.reduce((sum, count) => sum + count, 0);
console.log(JSON.stringify({ ...result, perSecond: Math.round(answered / result.seconds) }, null, 2));
const failed = Object.keys(result.outcomes).some((outcome) => outcome !== "200") || result.proxyFailures.length > 0;
process.exitCode = failed || result.leaks.length > 0 || result.exitCodes.some((code) => code !== 0) ? 1 : 0;
