/**
 * Tar archives as OCI layouts need them (POSIX.1-2017, "pax Interchange Format"). We read and write them ourselves because a
 * layout is read by position: its index may come last, and a layer must not be read to get past it.
 */
import type { FileHandle } from "node:fs/promises";
import { LayoutError } from "./error.ts";

/** Where the content of a file stands in an archive, in bytes. */
export interface TarEntry {
  readonly offset: number;
  readonly size: number;
}

const block = 512;
/** Names and sizes in extended headers are short. */
const extendedAtMost = 1024 * 1024;

/**
 * Finds the regular files of an archive, without reading what is in them. A name has no `./` before it.
 *
 * @throws LayoutError for what is not a tar archive, or ends in the middle of a file
 */
export async function readTarEntries(file: FileHandle): Promise<Map<string, TarEntry>> {
  const { size: end } = await file.stat();
  const entries = new Map<string, TarEntry>();
  let extended: { path?: string; size?: number } = {};
  for (let at = 0; at + block <= end; ) {
    const header = await readAt(file, at, block);
    if (header.every((byte) => byte === 0)) break;
    requireHeader(header);
    const type = String.fromCharCode(header[156] ?? 0);
    const describesNext = type === "x" || type === "L";
    const size = (describesNext ? undefined : extended.size) ?? numberAt(header, 124, 12);
    const offset = at + block;
    if (offset + size > end) throw new LayoutError("The archive ends in the middle of a file.");
    if (describesNext) {
      if (size > extendedAtMost) throw new LayoutError("The archive has a header that is too long.");
      const content = await readAt(file, offset, size);
      extended = { ...extended, ...(type === "x" ? readPax(content) : { path: textAt(content, 0, size) }) };
    } else if (type !== "g" && type !== "K") {
      const name = (extended.path ?? nameOf(header)).replace(/^(\.\/)+/, "");
      if (type === "0" || type === "\0" || type === "7") entries.set(name, { offset, size });
      extended = {};
    }
    at = offset + size + padding(size);
  }
  return entries;
}

/** Makes the header of a regular file that everybody may read, of no owner and no time. @param name at most 100 bytes */
export function tarHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(block);
  header.write(name, 0, 100, "utf8");
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write("00000000000\0", 136);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  if (size < 8 ** 11) header.write(`${octal(size, 11)}\0`, 124);
  else {
    // GNU's form for 8 GiB and more, which all readers of layouts know: a bit that says so, then a binary number.
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write(`${octal(checksum(header), 6)}\0 `, 148);
  return header;
}

/** How many zeros follow the content of a file. */
export function padding(size: number): number {
  return (block - (size % block)) % block;
}

/** What ends an archive. */
export const tarEnd = Buffer.alloc(2 * block);

function requireHeader(header: Buffer): void {
  if (header[0] === 0x1f && header[1] === 0x8b) {
    throw new LayoutError("The archive is compressed.", "Decompress it first, for example with gunzip.");
  }
  if (numberAt(header, 148, 8) !== checksum(header)) throw new LayoutError("It is not a tar archive.");
}

function checksum(header: Buffer): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

function octal(number: number, digits: number): string {
  return number.toString(8).padStart(digits, "0");
}

function nameOf(header: Buffer): string {
  const prefix = header.toString("latin1", 257, 263) === "ustar\0" ? textAt(header, 345, 155) : "";
  return prefix === "" ? textAt(header, 0, 100) : `${prefix}/${textAt(header, 0, 100)}`;
}

function numberAt(header: Buffer, at: number, length: number): number {
  if (((header[at] ?? 0) & 0x80) !== 0) return Number(header.readBigUInt64BE(at + length - 8));
  return Number.parseInt(textAt(header, at, length).trim() || "0", 8);
}

function textAt(bytes: Buffer, at: number, length: number): string {
  const text = bytes.subarray(at, at + length);
  const end = text.indexOf(0);
  return text.toString("utf8", 0, end < 0 ? length : end);
}

/** Reads the records `LENGTH KEY=VALUE` and a line break of an extended header. */
function readPax(content: Buffer): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < content.length; ) {
    const length = Number.parseInt(content.toString("latin1", at, at + 20), 10);
    if (!(length > 0)) throw new LayoutError("The archive has a header that cannot be read.");
    const record = content.toString("utf8", at, at + length - 1);
    const [, key, value = ""] = /^\d+ ([^=]+)=(.*)$/s.exec(record) ?? [];
    if (key === "path") found.path = value;
    if (key === "size") found.size = Number(value);
    at += length;
  }
  return found;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new LayoutError("The archive ends in the middle of a file.");
  return buffer;
}
