import type { Command } from "commander";
import { invalidInput } from "../../core/errors.ts";
import { addPerformance, type Context } from "./performing.ts";
import type { Copied } from "./transfer/copy.ts";
import { pairs } from "./views.ts";

/** The commands that move images. What moves them is loaded when one is under way. */

/** Adds `push`, which copies an image from this machine into a repository. */
export function addPush(program: Command, context: Context): void {
  const command = program
    .command("push")
    .usage("[options] <image> <repository[:tag]>\n       alien-registry push --sample <repository[:tag]>")
    .summary("Push an image from an OCI layout; no other client is needed")
    .description(
      "Pushes an image, for one platform or several, from an OCI image layout: a folder or a tar archive, as `docker buildx build " +
        "--output type=oci` writes it. What the repository has already is not sent again. The tag is `latest` if none is given.",
    )
    .argument("[image]", "folder or tar archive of the layout")
    .argument("[repository]", "repository, and the image's tag there")
    .option("--image <name>", "which image of the layout, by its name or digest, if there are several")
    .option("--sample", "push a small sample image instead of one of yours");
  addPerformance<Copied>(command, context, { destroys: false }, () => {
    const { sample = false, image } = command.opts<{ sample?: boolean; image?: string }>();
    const [first, second] = command.processedArgs as (string | undefined)[];
    const [layout, repository] = sample ? [undefined, first] : [first, second];
    if (repository === undefined || (sample && (second !== undefined || image !== undefined))) {
      throw invalidInput(
        sample ? "--sample takes a repository alone." : "An image and a repository are needed.",
        undefined,
        "alien-registry push ./my-image my-app:1.0, or alien-registry push --sample my-app:1.0.",
      );
    }
    return {
      progress: "Pushing the image",
      perform: async (connection, work) =>
        (await import("./transfer/copy.ts")).push(connection, { layout, repository, image }, work),
      show: ({ image: pushed, digest, blobs, present, bytes }) =>
        pairs({ Pushed: pushed, Digest: digest, Sent: moved(blobs - present, bytes, present) }),
      essence: ({ image: pushed, digest }) => `${pushed.replace(/:[^:/]+$/, "")}@${digest}`,
    };
  });
}

/** Adds `pull`, which copies an image from a repository to this machine. */
export function addPull(program: Command, context: Context): void {
  const command = program
    .command("pull")
    .summary("Pull an image into an OCI layout; no other client is needed")
    .description(
      "Pulls an image, with all its platforms, into an OCI image layout. A folder that is a layout already gets a further image. " +
        "Every digest is checked.",
    )
    .argument("<repository>", "repository, with a `:tag` or an `@digest`; `:latest` if there is none")
    .argument("<layout>", "folder, or a file that ends with `.tar`");
  addPerformance<Copied>(command, context, { destroys: false }, () => {
    const [repository, layout] = command.processedArgs as [string, string];
    return {
      progress: "Pulling the image",
      perform: async (connection, work) =>
        (await import("./transfer/copy.ts")).pull(connection, { repository, layout }, work),
      show: ({ image, digest, blobs, present, bytes }) =>
        pairs({ Pulled: image, Into: layout, Digest: digest, Received: moved(blobs - present, bytes, present) }),
      essence: ({ digest }) => digest,
    };
  });
}

function moved(blobs: number, bytes: number, present: number): string {
  const there = present === 0 ? "" : `; ${present} ${present === 1 ? "was" : "were"} there already`;
  return `${blobs} ${blobs === 1 ? "blob" : "blobs"}, ${bytes.toLocaleString("en")} bytes${there}`;
}
