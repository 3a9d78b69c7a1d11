import { OciError } from "../http/errors.ts";
import { parseRange } from "../http/range.ts";
import { send, start } from "../http/respond.ts";
import { blobSize, deleteBlob, openBlob } from "../store/blobs.ts";
import type { Digest } from "../store/names.ts";
import { sendFile } from "../stream/send-file.ts";
import { type Call, requireDigest, type Services } from "./call.ts";

/** end-2: a blob, or the part of it that `Range` asks for. */
export async function getBlob({ store, sending }: Services, { req, res, name, tail }: Call): Promise<void> {
  const digest = requireDigest(tail);
  const blob = await openBlob(store, name, digest);
  if (blob === undefined) throw unknown(digest);
  try {
    const headers = headersOf(digest);
    const ifRange = req.headers["if-range"];
    const wanted = ifRange === undefined || ifRange === headers.ETag ? req.headers.range : undefined;
    const range = parseRange(wanted, blob.size);
    if (range === "unsatisfiable") {
      throw new OciError(416, "SIZE_INVALID", "The range lies outside the blob.", {
        "Content-Range": `bytes */${blob.size}`,
      });
    }
    const from = range?.start ?? 0;
    const length = range === undefined ? blob.size : range.end - range.start + 1;
    start(res, range === undefined ? 200 : 206, {
      ...headers,
      "Content-Length": length,
      ...(range === undefined ? {} : { "Content-Range": `bytes ${range.start}-${range.end}/${blob.size}` }),
    });
    await sendFile(res, blob.handle, { start: from, length, budget: sending });
  } finally {
    await blob.handle.close();
  }
}

/** end-2 by HEAD: the same headers, without opening the file. */
export async function headBlob({ store }: Services, { res, name, tail }: Call): Promise<void> {
  const digest = requireDigest(tail);
  const size = await blobSize(store, name, digest);
  if (size === undefined) throw unknown(digest);
  start(res, 200, { ...headersOf(digest), "Content-Length": size });
  res.end();
}

/** end-10: takes the blob out of this repository, also where a manifest still refers to it. */
export async function removeBlob({ store }: Services, { res, name, tail }: Call): Promise<void> {
  const digest = requireDigest(tail);
  if (!(await deleteBlob(store, name, digest))) throw unknown(digest);
  send(res, 202, { "Docker-Content-Digest": digest.text });
}

function headersOf(digest: Digest) {
  return {
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest.text,
    "Accept-Ranges": "bytes",
    ETag: `"${digest.text}"`,
  };
}

function unknown(digest: Digest): OciError {
  return new OciError(404, "BLOB_UNKNOWN", `The repository has no blob ${digest.text}.`);
}
