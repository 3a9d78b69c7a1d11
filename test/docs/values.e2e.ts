import { expect, it } from "vitest";
import { parse } from "yaml";
import { render } from "../kubernetes/chart/helm.ts";
import { readPages } from "./pages.ts";

const blocks = (await readPages())
  .flatMap((page) => page.blocks)
  .filter(({ mark }) => mark?.kind === "form" && mark.form === "values");
/** The one that is a whole file; the others are parts of it. */
const whole = blocks.find(({ text }) => "bindings" in parse(text));

it.each(blocks.map((block) => [`${block.page}:${block.line}`, block] as const))(
  "the chart takes %s",
  async (_at, block) => {
    const rendered = await render([], { ...parse(whole?.text ?? ""), ...parse(block.text) });
    expect(rendered.all("Deployment").length).toBe(1);
  },
);
