import type { GranteeAccess, Image, RepositoryResponse } from "../../client/types.ts";
import type { Page, PageRequest } from "../../core/registry.ts";

/** A page of any list, as the API answers it. */
export interface ListPage {
  readonly repositories?: readonly (RepositoryResponse | GranteeAccess)[];
  readonly images?: readonly Image[];
  readonly nextPageToken?: string;
}

/** Something to ask an operation of, over the wire or past it. */
interface Asked {
  ask(
    operation: string,
    input: object,
  ): Promise<{ readonly status: number; readonly text: string; readonly body: unknown }>;
}

/** Reads a list of the API to its end. @returns its pages @throws where one is refused */
export async function pagesOf({ ask }: Asked, operation: string, input: object): Promise<ListPage[]> {
  const pages: ListPage[] = [];
  for (let pageToken: string | undefined; ; ) {
    const { status, text, body } = await ask(operation, { ...input, ...(pageToken !== undefined && { pageToken }) });
    if (status !== 200) throw new Error(`${operation}: ${text}`);
    const page = body as ListPage;
    pages.push(page);
    pageToken = page.nextPageToken;
    if (pageToken === undefined) return pages;
  }
}

/** What names the items of a page: repositories by name, images by digest. */
export function namesOf({ repositories = [], images = [] }: ListPage): string[] {
  return [
    ...repositories.map((each) => ("name" in each ? each.name : each.repoId)),
    ...images.map(({ digest }) => digest),
  ];
}

/** Reads the repositories' names, page by page. */
export async function namesIn(asked: Asked, pageSize: number): Promise<string[][]> {
  return (await pagesOf(asked, "listRepositories", { pageSize })).map(namesOf);
}

/** Reads a list of an adapter to its end; between two of its pages something may happen. */
export async function everyItem<Item>(
  read: (page: PageRequest) => Promise<Page<Item>>,
  pageSize: number,
  between = () => {},
): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await read({ cursor, pageSize });
    items.push(...page.items);
    cursor = page.next;
    if (cursor === undefined) return items;
    between();
  }
}
