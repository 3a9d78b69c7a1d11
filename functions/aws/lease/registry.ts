import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { LeftOut } from "../../../core/schemas.ts";
import { changing, type Table } from "./dynamo.ts";
import { attributes, type Item } from "./item.ts";

/**
 * How a replica region stands to the registry. A region that is `filling` is new, or has come back: edits treat it as one
 * that is here, and provisioning brings the grants of home to the replicas that it has already. A region that is `leaving`
 * gets no grants any more, and may still hold some.
 */
export type RegionState = "here" | "filling" | "leaving";

interface RegionEntry {
  readonly state: RegionState;
  /** The version of the record in which the region came into this state. */
  readonly since: number;
  /** Of a region that is filling or leaving: what is to be done there is done for the repositories up to this name. */
  readonly done?: string;
}

/** What is known of the replica regions of one registry. */
export interface RegistryRecord {
  /** Grows by one with each change. It is 0 where nothing was ever written. */
  readonly version: number;
  /** Whether provisioning has said which regions the registry has. Otherwise these are the regions that edits wrote to. */
  readonly provisioned: boolean;
  readonly regions: Readonly<Record<string, RegionEntry>>;
  /** Those whom AWS took into no policy when an edit last tried. */
  readonly refused: readonly LeftOut[];
  /** The consumers whose access was ended everywhere of late, and when: an older event lets none of them in again. */
  readonly ended: Readonly<Record<string, Date>>;
}

/** What the record shall be. What is left out stays as it is. */
export interface RecordDraft {
  readonly provisioned?: boolean;
  /** The state of each region. */
  readonly states?: Readonly<Record<string, RegionState>>;
  readonly refused?: readonly LeftOut[];
  readonly ended?: Readonly<Record<string, Date>>;
  /** How far each region has come. What is left out stays as it is, for as long as the region's state does. */
  readonly done?: Readonly<Record<string, string>>;
}

/** The record of one registry. Every function of the registry reads the same. */
export interface RegistryRecords {
  read(call: Call): Promise<RegistryRecord>;
  /**
   * Changes the record, unless it says so already. Nobody else's change is lost: `draft` is asked again where the record was
   * changed meanwhile.
   *
   * @param draft answers undefined where nothing is to be changed
   * @returns the record as it is then
   */
  change(call: Call, draft: (record: RegistryRecord) => RecordDraft | undefined): Promise<RegistryRecord>;
}

/** A region's state in each region, as a draft takes it. */
export function statesOf({ regions }: RegistryRecord): Record<string, RegionState> {
  return Object.fromEntries(Object.entries(regions).map(([region, { state }]) => [region, state]));
}

/** The regions in one of these states, sorted. */
export function regionsIn({ regions }: RegistryRecord, ...states: readonly RegionState[]): string[] {
  return Object.keys(regions)
    .filter((region) => states.some((state) => regions[region]?.state === state))
    .sort();
}

const nothing: RegistryRecord = { version: 0, provisioned: false, regions: {}, refused: [], ended: {} };

/** How often a change is tried while others change the record, too. Each round that fails is one that somebody else won. */
const rounds = 20;

/** Seconds for which a record that says nothing is kept, and the end of a consumer: longer than events are taken. */
const emptySeconds = 7_200;

/** The ended consumers with one more, without those of long ago. */
export function withEnd({ ended }: RegistryRecord, consumer: string, now: Date): Readonly<Record<string, Date>> {
  const isLate = (at: Date) => now.getTime() - at.getTime() <= emptySeconds * 1_000;
  return { ...Object.fromEntries(Object.entries(ended).filter(([, at]) => isLate(at))), [consumer]: now };
}

/**
 * The record in the lease table, an item beside those of the repositories. It is read as it is at this moment, and written
 * only if nobody has changed it since. Attributes that are not ours stay as they are.
 *
 * @param key no repository has it
 */
export function createRegistryRecords(table: Table, key: string): RegistryRecords {
  const read = async (call: Call) => readRecord(await table.read(key, call));
  return {
    read,
    async change(call, draft) {
      for (let round = 1; round <= rounds; round++) {
        const before = await read(call);
        const after = changed(before, draft(before));
        if (after === before) return before;
        const { expression, names, values } = changing(attributesOf(after, call));
        const update = {
          ConditionExpression: before.version === 0 ? "attribute_not_exists(#version)" : "#version = :before",
          UpdateExpression: expression,
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: {
            ...values,
            ...(before.version > 0 && { ":before": { N: String(before.version) } }),
          },
        };
        // An answer that was lost looks like somebody else's change: the next round finds ours, and is content.
        if ((await table.update(key, update, call)).held) return after;
      }
      throw new ArtifactRegistryError("RESOURCE_CONFLICT", "The registry's regions are being changed by others.", {
        retryable: true,
        hint: "The same call again is safe.",
      });
    },
  };
}

/** The record where no table is bound: it lasts as long as the process. */
export function createProcessRecord(): RegistryRecords {
  let record = nothing;
  return {
    read: async () => record,
    async change(_, draft) {
      record = changed(record, draft(record));
      return record;
    },
  };
}

function changed(before: RegistryRecord, draft: RecordDraft | undefined): RegistryRecord {
  if (draft === undefined) return before;
  const { provisioned = before.provisioned, states = statesOf(before), refused = before.refused } = draft;
  const { ended = before.ended } = draft;
  const version = before.version + 1;
  const regions = Object.fromEntries(
    Object.entries(states).map(([region, state]) => {
      const [known, done] = [before.regions[region], draft.done?.[region]];
      if (known?.state !== state) return [region, { state, since: version }];
      return [region, done === undefined || done === known.done ? known : { ...known, done }];
    }),
  );
  const same =
    before.provisioned === provisioned &&
    before.ended === ended &&
    textsOf(before.refused).join() === textsOf(refused).join() &&
    Object.keys(before.regions).length === Object.keys(regions).length &&
    Object.entries(regions).every(([region, entry]) => before.regions[region] === entry);
  return same ? before : { version, provisioned, regions, refused, ended };
}

/** As the item holds them, sorted. No region has a space in its name. */
function textsOf(refused: readonly LeftOut[]): string[] {
  return [...new Set(refused.map(({ region, principal }) => `${region} ${principal}`))].sort();
}

function attributesOf({ version, provisioned, regions, refused, ended }: RegistryRecord, call: Call) {
  const endings = Object.entries(ended).map(([consumer, at]) => [consumer, { S: at.toISOString() }] as const);
  // What says no more than who was ended is kept for as long as that matters.
  const isEmpty = !provisioned && Object.keys(regions).length === 0 && refused.length === 0;
  const expiry = Math.ceil(call.now().getTime() / 1_000) + emptySeconds;
  return {
    version: { N: String(version) },
    provisioned: { BOOL: provisioned },
    regions: {
      M: Object.fromEntries(
        Object.entries(regions).map(([region, { state, since, done }]): [string, AttributeValue] => [
          region,
          { M: { state: { S: state }, since: { N: String(since) }, ...(done !== undefined && { done: { S: done } }) } },
        ]),
      ),
    },
    refused: refused.length > 0 ? { SS: textsOf(refused) } : undefined,
    ended: endings.length > 0 ? { M: Object.fromEntries(endings) } : undefined,
    [attributes.expiresAt]: isEmpty ? { N: String(expiry) } : undefined,
  };
}

/** @throws UNEXPECTED_RESPONSE_FORMAT for a record that we did not write: treated as none, it would let grants into a region that leaves */
function readRecord(item: Item | undefined): RegistryRecord {
  if (item?.version === undefined) return nothing;
  const version = Number(item.version.N);
  const provisioned = item.provisioned?.BOOL;
  const entries = Object.entries(item.regions?.M ?? {}).map(([region, { M: entry }]) => {
    const [state, since] = [entry?.state?.S, Number(entry?.since?.N)];
    if (!isState(state) || !(since > 0)) throw unreadable();
    const done = entry?.done?.S;
    return [region, { state, since, ...(done !== undefined && { done }) }] as const;
  });
  if (!(version > 0) || provisioned === undefined || item.regions?.M === undefined) throw unreadable();
  const refused = (item.refused?.SS ?? []).map((text) => {
    const [region = "", ...principal] = text.split(" ");
    return { region, principal: principal.join(" ") };
  });
  const endings = Object.entries(item.ended?.M ?? {}).map(([consumer, { S: at }]) => {
    const date = new Date(at ?? Number.NaN);
    if (Number.isNaN(date.getTime())) throw unreadable();
    return [consumer, date] as const;
  });
  return { version, provisioned, regions: Object.fromEntries(entries), refused, ended: Object.fromEntries(endings) };
}

function isState(state: string | undefined): state is RegionState {
  return state === "here" || state === "filling" || state === "leaving";
}

function unreadable(): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "UNEXPECTED_RESPONSE_FORMAT",
    "The registry's item in the lease table is unreadable.",
    {
      hint: "Delete the item whose key ends with :registry, and run provisionRegistry at once.",
    },
  );
}
