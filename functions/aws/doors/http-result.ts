/** An answer in payload format 2.0. */
export interface HttpResult {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export async function toResult(response: Response): Promise<HttpResult> {
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}
