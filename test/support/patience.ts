/**
 * Set up before every test file. The code under test gives up on what does not answer, after limits (`AbortSignal.timeout`)
 * of 2.5 seconds and more that were chosen for a cloud and a machine that is at work on nothing else. Where everything is
 * slow, the emulators are too: so limits that no test waits for are longer here. Tests of a limit set a shorter one, or hold
 * it (`time-limits.ts`).
 */
const fromMs = 2_500;
const factor = 30;

/** Where test files share a process, the longer limits are there already. */
const patient = Symbol.for("limits that are longer under test");
if (!(patient in AbortSignal.timeout)) {
  const real = AbortSignal.timeout.bind(AbortSignal);
  const longer = (milliseconds: number) => real(milliseconds < fromMs ? milliseconds : milliseconds * factor);
  AbortSignal.timeout = Object.assign(longer, { [patient]: true });
}
