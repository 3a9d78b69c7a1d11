/** The two kinds of Mermaid diagrams that pages hold, as far as pages use them. */
export type Diagram =
  | { readonly kind: "flowchart"; readonly arrows: readonly Arrow[] }
  | { readonly kind: "sequence"; readonly participants: readonly string[]; readonly messages: readonly Message[] };

/** An arrow of a flowchart, between the texts of two boxes. */
export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly dotted: boolean;
}

/** An arrow of a sequence diagram, between two participants as the diagram shows them. */
export interface Message {
  readonly from: string;
  readonly to: string;
  /** Whether it answers an earlier one. */
  readonly answer: boolean;
  readonly text: string;
}

/** @throws Error naming a line that is in no form that we know, or an arrow to something that was not introduced */
export function parseDiagram(text: string): Diagram {
  const [first = "", ...lines] = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (/^flowchart (?:TD|LR)$/.test(first)) return { kind: "flowchart", arrows: parseFlowchart(lines) };
  if (first === "sequenceDiagram") return { kind: "sequence", ...parseSequence(lines) };
  throw new Error(`"${first}" begins no diagram.`);
}

function parseFlowchart(lines: readonly string[]): readonly Arrow[] {
  const boxes = new Map<string, string>();
  const arrows: Arrow[] = [];
  for (const line of lines) {
    const [, id, box] = /^(\w+)\["([^"]+)"\]$/.exec(line) ?? [];
    const [, sources, arrow, targets] = /^(\w+(?: & \w+)*) (-->|-\.->) (\w+(?: & \w+)*)$/.exec(line) ?? [];
    if (id !== undefined && box !== undefined) boxes.set(id, box);
    else if (sources !== undefined && targets !== undefined) {
      for (const from of sources.split(" & ")) {
        for (const to of targets.split(" & ")) {
          arrows.push({ from: named(from, boxes), to: named(to, boxes), dotted: arrow === "-.->" });
        }
      }
    } else throw new Error(`"${line}" is no line of a flowchart.`);
  }
  return arrows;
}

function parseSequence(lines: readonly string[]) {
  const participants = new Map<string, string>();
  const messages: Message[] = [];
  for (const line of lines) {
    const [, id, participant] = /^participant (\w+) as ([^;#]+)$/.exec(line) ?? [];
    // Mermaid ends a statement at a semicolon.
    const [, from, arrow, to, text] = /^(\w+?)(-?->>)(\w+): ([^;#]+)$/.exec(line) ?? [];
    if (id !== undefined && participant !== undefined) participants.set(id, participant);
    else if (from !== undefined && to !== undefined && text !== undefined) {
      const answer = arrow === "-->>";
      messages.push({ from: named(from, participants), to: named(to, participants), answer, text });
    } else throw new Error(`"${line}" is no line of a sequence.`);
  }
  return { participants: [...participants.values()], messages };
}

function named(id: string, names: ReadonlyMap<string, string>): string {
  const name = names.get(id);
  if (name === undefined) throw new Error(`"${id}" is not introduced.`);
  return name;
}
