import fc from "fast-check";
import { expect, it } from "vitest";
import { printable } from "../../../client/cli/terminal.ts";
import { columns } from "../../../client/cli/views.ts";

const word = fc.stringMatching(/^[a-z]{1,12}$/);
const rows = fc
  .integer({ min: 1, max: 4 })
  .chain((width) => fc.array(fc.array(word, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }));

it("a table has a line for each row, whose cells stand below each other", () => {
  fc.assert(
    fc.property(rows, (cells) => {
      const lines = columns(cells, () => (text) => text).split("\n");
      expect(lines.pop()).toBe("");
      expect(lines.map((line) => line.split(/ +/))).toEqual(cells);
      const starts = lines.map((line) =>
        [...line.matchAll(/(?:^| {2,})(?=\w)/g)].map(({ index, 0: gap }) => index + gap.length),
      );
      for (const start of starts) expect(start).toEqual(starts[0]);
    }),
  );
});

it("text from elsewhere commands no terminal, and is otherwise as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const shown = printable(text);
      expect([...shown].every((character) => !/\p{Cc}/u.test(character))).toBe(true);
      expect(printable(shown)).toBe(shown);
      expect(shown).toHaveLength(text.length);
    }),
  );
});
