import { emptyPolicy, type Policy } from "./policy.ts";

/** A tag as conditions see it: by the permanent ids and by the names of its key and its value. */
export interface EffectiveTag {
  /** `tagKeys/123` */
  readonly keyId: string;
  /** `{project}/{short name}` */
  readonly keyName: string;
  /** `tagValues/123` */
  readonly valueId: string;
  readonly valueName: string;
}

/** A value of a tag key whose parent is a project. */
export interface TagValue extends EffectiveTag {
  readonly project: string;
  policy: Policy;
}

/** Resource tags (Resource Manager), and what they are attached to. */
export class Tags {
  readonly #values = new Map<string, TagValue>();
  /** The ids of values by the resource, `projects/P` or `projects/P/locations/L/repositories/R`. */
  readonly #attached = new Map<string, Set<string>>();

  /** Makes a key with one value in a project. */
  define(project: string, key: string, valueName: string): TagValue {
    const number = this.#values.size + 1;
    const value: TagValue = {
      keyId: `tagKeys/28147${number}`,
      keyName: `${project}/${key}`,
      valueId: `tagValues/28148${number}`,
      valueName,
      project,
      policy: emptyPolicy(),
    };
    this.#values.set(value.valueId, value);
    return value;
  }

  value(id: string): TagValue | undefined {
    return this.#values.get(id);
  }

  values(): readonly TagValue[] {
    return [...this.#values.values()];
  }

  attach(resource: string, valueId: string): void {
    this.#attached.set(resource, new Set([...(this.#attached.get(resource) ?? []), valueId]));
  }

  /** What goes with a resource that is deleted. */
  detachAll(resource: string): void {
    this.#attached.delete(resource);
  }

  /** The values that are attached to this very resource. */
  attachedTo(resource: string): readonly TagValue[] {
    return [...(this.#attached.get(resource) ?? [])].flatMap((id) => this.#values.get(id) ?? []);
  }

  /** The tags of a resource: its own, and those of everything that it is in. */
  effective(resource: string): readonly EffectiveTag[] {
    const above = [...this.#attached.keys()].filter((each) => resource === each || resource.startsWith(`${each}/`));
    return above.flatMap((each) => this.attachedTo(each));
  }
}
