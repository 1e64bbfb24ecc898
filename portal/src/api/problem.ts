import type { ProblemDetails } from "./types";

/** An answer that says what went wrong and what to do (RFC 9457). */
export class ProblemError extends Error {
  readonly details: ProblemDetails;

  constructor(details: ProblemDetails) {
    super(details.detail || details.title);
    this.name = "ProblemError";
    this.details = details;
  }

  get status() { return this.details.status; }
  get code() { return this.details.code; }
}

const UNREACHABLE: ProblemDetails = {
  type: "about:blank", status: 0, code: "unreachable", title: "The API cannot be reached",
  detail: "Your request did not get an answer.",
  todo: "Check your connection and try again. Nothing is lost: a repeated request is recognised and done only once.",
};

export async function problemOf(response: Response): Promise<ProblemError> {
  const body: unknown = await response.json().catch(() => null);
  if (body && typeof body === "object" && "title" in body) return new ProblemError(body as ProblemDetails);
  return new ProblemError({
    type: "about:blank", status: response.status, code: `http_${response.status}`,
    title: response.statusText || `The API answered ${response.status}`,
    detail: "The answer carried no explanation.", todo: "Try again. If it happens again, tell your operator the time and the page.",
  });
}

export const unreachable = () => new ProblemError(UNREACHABLE);

/** What the server said about one form field, or undefined. */
export function fieldError(error: unknown, ...fields: string[]): string | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  const { field, detail, title, todo, errors } = error.details;
  const listed = errors?.find((item) => fields.includes(lastPart(item.field)));
  if (listed) return listed.detail;
  if (field && fields.includes(lastPart(field))) return [detail || title, todo].filter(Boolean).join(" ");
  return undefined;
}

function lastPart(field: string): string {
  return field.replace(/^body\./, "").split(".")[0] ?? field;
}
