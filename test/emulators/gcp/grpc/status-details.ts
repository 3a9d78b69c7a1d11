import type { ErrorInfo } from "../errors.ts";

/** `google.rpc.Status` with one `ErrorInfo`, as it travels in the trailer `grpc-status-details-bin`. */
export function statusDetails(code: number, message: string, { reason, domain, metadata }: ErrorInfo): Buffer {
  const entries = Object.entries(metadata).map(([key, value]) =>
    bytes(3, Buffer.concat([text(1, key), text(2, value)])),
  );
  const info = Buffer.concat([text(1, reason), text(2, domain), ...entries]);
  const any = Buffer.concat([text(1, "type.googleapis.com/google.rpc.ErrorInfo"), bytes(2, info)]);
  return Buffer.concat([varint(1 << 3), varint(code), text(2, message), bytes(3, any)]);
}

const text = (field: number, value: string) => bytes(field, Buffer.from(value));

/** A field of wire type 2: its tag, its length, its bytes. */
const bytes = (field: number, value: Buffer) => Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);

function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) out.push((rest & 127) | 128);
  return Buffer.from([...out, rest]);
}
