/** Codes of google.rpc.Code that mean something here; gRPC answers them, and HTTP statuses stand for them. */
export const grpcCode = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

const byStatus: Readonly<Record<number, number>> = {
  400: grpcCode.invalidArgument,
  401: grpcCode.unauthenticated,
  403: grpcCode.permissionDenied,
  404: grpcCode.notFound,
  408: grpcCode.deadlineExceeded,
  409: grpcCode.aborted,
  412: grpcCode.failedPrecondition,
  429: grpcCode.resourceExhausted,
  499: grpcCode.cancelled,
  500: grpcCode.internal,
  501: grpcCode.unimplemented,
  503: grpcCode.unavailable,
  504: grpcCode.deadlineExceeded,
};

/** The code that an HTTP status stands for (google/rpc/code.proto). */
export function codeOfStatus(status: number): number {
  return byStatus[status] ?? (status >= 500 ? grpcCode.unavailable : grpcCode.unknown);
}

/** The code of a status as Google writes it, as `ALREADY_EXISTS`; one HTTP status stands for several. */
export function codeOfName(name: unknown): number | undefined {
  return Object.values(grpcCode).find((code) => nameOf(code) === name);
}

/** A code as Google writes it, as `FAILED_PRECONDITION`. */
export function nameOf(code: number): string {
  const name = Object.entries(grpcCode).find(([, value]) => value === code)?.[0];
  return name === undefined ? `code ${code}` : name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
