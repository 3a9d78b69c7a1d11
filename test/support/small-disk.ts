import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";

/** A way to run a command so that its files find no more room than some bytes. */
export interface SmallDisk {
  readonly name: string;
  /**
   * The command under the limit.
   *
   * @param folder where it writes; in the end it holds what the command has left there
   * @param room bytes: of free space in the file system, or of the longest file, beside what the folder holds already
   */
  around(folder: string, room: number, command: readonly string[]): string[];
}

/** RLIMIT_FSIZE: a write that crosses the limit is short, as on a disk with that much left, and the next one fails. Needs no rights. */
const fileSizeLimit: SmallDisk = {
  name: "a limit for the size of files",
  around: (_folder, room, command) => ["prlimit", `--fsize=${room}`, "--", ...command],
};

/** A tmpfs that only the command and its children see. What the folder holds goes in before, and out again afterwards. */
const script = `
set -e
folder=$1 room=$2
shift 2
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -a "$folder/." "$copy"
mount -t tmpfs -o size=4m tmpfs "$folder"
cp -a "$copy/." "$folder"
head -c "$(($(stat -f -c '%a * %S' "$folder") - room))" /dev/zero >"$folder/filler"
code=0
"$@" || code=$?
rm "$folder/filler"
find "$copy" -mindepth 1 -delete
cp -a "$folder/." "$copy"
umount "$folder"
find "$folder" -mindepth 1 -delete
cp -a "$copy/." "$folder"
exit "$code"
`;

function tmpfs(unshare: readonly string[]): SmallDisk {
  return {
    name: "a small file system",
    around: (folder, room, command) => [...unshare, "sh", "-c", script, "sh", folder, String(room), ...command],
  };
}

/** Where the kernel lets nobody mount, as in most containers, the limit alone tells: it is the same short write. */
const unshare = [
  ["unshare", "-rm"],
  ["unshare", "-m"],
].find(
  ([command = "", ...args]) =>
    spawnSync(command, [...args, "mount", "-t", "tmpfs", "tmpfs", tmpdir()], { stdio: "ignore" }).status === 0,
);

/** All ways that this machine has; at least one. */
export const smallDisks: readonly SmallDisk[] = [fileSizeLimit, ...(unshare === undefined ? [] : [tmpfs(unshare)])];
