/** WHIP (RFC 9725) and WHEP signalling over fetch: offer, trickle as a sign of life, delete. */

/** What the server said no to; `code` is the stable dotted code of the problem body. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly retryAfterS: number | null,
  ) {
    super(code);
    this.name = "Refusal";
  }
}

/** No answer at all: link, DNS, deadline. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("unreachable", { cause });
    this.name = "Unreachable";
  }
}

export interface Resource {
  readonly url: string;
  readonly etag: string | null;
}

export interface Answer {
  readonly sdp: string;
  readonly resource: Resource;
}

/** "known": the server still holds our resource; "gone": it does not; "unreachable": nobody answered. */
export type SignOfLife = "known" | "gone" | "unreachable";

/** How a refusal is met: never ask again, ask again after a while, ask again soon. */
export type Verdict = "final" | "later" | "soon";

export function verdict(refusal: Refusal): Verdict {
  // Only a full hall is worth a long wait; a worker that restarts or drains is back, or elsewhere, in a moment.
  if (refusal.code === "media.full" || refusal.status === 429) return "later";
  if (refusal.status >= 500 || refusal.status === 408) return "soon";
  return "final";
}

/** One WHIP or WHEP endpoint with its bearer token; holds no state between calls. */
export class Endpoint {
  constructor(
    private readonly url: string,
    private readonly token: string | null,
  ) {}

  /** POST the offer. Raises Refusal or Unreachable. */
  async offer(sdp: string, timeoutMs: number): Promise<Answer> {
    const response = await this.ask(this.url, "POST", timeoutMs, sdp, { "Content-Type": "application/sdp" });
    if (response.status !== 201) throw await refusal(response);
    const location = response.headers.get("Location");
    if (location === null) throw new Refusal(response.status, "media.no_location", null);
    const resource = { url: new URL(location, response.url).href, etag: response.headers.get("ETag") };
    return { sdp: await body(response), resource };
  }

  /** Ask whether `resource` lives by telling it that no more candidates will come (RFC 9725 4.3.1). */
  async signOfLife(resource: Resource, timeoutMs: number): Promise<SignOfLife> {
    const headers: Record<string, string> = { "Content-Type": "application/trickle-ice-sdpfrag" };
    if (resource.etag !== null) headers["If-Match"] = resource.etag;
    try {
      const response = await this.ask(resource.url, "PATCH", timeoutMs, "a=end-of-candidates\r\n", headers);
      return response.status === 404 || response.status === 410 || response.status === 412 ? "gone" : "known";
    } catch {
      return "unreachable";
    }
  }

  /** DELETE `resource`; survives the page when `leaving`. Failure is no news: the server notices silence itself. */
  async remove(resource: Resource, timeoutMs: number, leaving = false): Promise<void> {
    try {
      await this.ask(resource.url, "DELETE", timeoutMs, null, {}, leaving);
    } catch {
      return;
    }
  }

  private async ask(
    url: string,
    method: string,
    timeoutMs: number,
    content: string | null,
    headers: Record<string, string>,
    keepalive = false,
  ): Promise<Response> {
    const bearer: Record<string, string> = this.token === null ? {} : { Authorization: `Bearer ${this.token}` };
    // Not AbortSignal.timeout: the in-app browsers of 2021 lack it.
    const deadline = new AbortController();
    const timer = keepalive ? undefined : setTimeout(() => deadline.abort(), timeoutMs);
    try {
      return await fetch(url, {
        method,
        body: content,
        headers: { ...headers, ...bearer },
        cache: "no-store",
        credentials: "omit",
        keepalive,
        signal: deadline.signal,
      });
    } catch (cause) {
      throw new Unreachable(cause);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function body(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw new Unreachable(cause);
  }
}

async function refusal(response: Response): Promise<Refusal> {
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Refusal(response.status, problemCode(await body(response), response.status), after >= 0 ? after : null);
}

/** The `code` of a problem body (RFC 9457), or one made of the status when a proxy answered. */
export function problemCode(text: string, status: number): string {
  try {
    const problem: unknown = JSON.parse(text);
    if (typeof problem === "object" && problem !== null && "code" in problem && typeof problem.code === "string") {
      return problem.code;
    }
  } catch {
    return `http.${status}`;
  }
  return `http.${status}`;
}
