/** The API's answers: the envelope, pages of lists, and refusals. */
import * as errors from "./errors.ts";
import type { ApiError } from "./errors.ts";

export function ok(result: unknown): Response {
  return Response.json({ result, success: true, errors: [], messages: [] });
}

export function refusal(error: ApiError): Response {
  return Response.json(errors.errorBody(error), { status: error.status });
}

export function rateLimited(retryAfter: number, headers: Record<string, string>): Response {
  return Response.json(errors.errorBody(errors.rateLimited()), {
    status: 429,
    headers: { ...headers, "retry-after": String(retryAfter) },
  });
}

/** What a gateway in front of the API says when the API itself doesn't answer. */
export function gatewayPage(status: number): Response {
  return new Response(
    `<html>\n<head><title>${status} Bad Gateway</title></head>\n<body><center><h1>${status} Bad Gateway</h1></center></body>\n</html>\n`,
    { status, headers: { "content-type": "text/html; charset=UTF-8" } },
  );
}

/** One page of a list; empty past the end. A larger `per_page` than the endpoint takes is refused, as at Cloudflare. */
export function page<Row>(
  url: string,
  rows: Row[],
  size: { standard: number; largest: number },
  show: (row: Row) => unknown = (row) => row,
): Response {
  const query = new URL(url).searchParams;
  const number = Number(query.get("page") ?? 1);
  const perPage = Number(query.get("per_page") ?? size.standard);
  if (!isCount(number) || !isCount(perPage) || perPage > size.largest) {
    throw errors.badListOptions();
  }
  const shown = rows.slice((number - 1) * perPage, number * perPage).map(show);
  return Response.json({
    result: shown,
    success: true,
    errors: [],
    messages: [],
    result_info: {
      page: number,
      per_page: perPage,
      count: shown.length,
      total_count: rows.length,
      total_pages: Math.ceil(rows.length / perPage),
    },
  });
}

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1;
