import { afterEach, describe, expect, test, vi } from "vitest";
import { Endpoint, problemCode, Refusal, Unreachable, verdict } from "./whip";

const URL_ = "https://expo.test/whip/s1";
const RESOURCE = { url: `${URL_}/r1`, etag: '"e1"' };

/** The network, which is not ours: answers every request with `answer` and keeps what was asked. */
function network(answer: (request: Request) => Response | Error) {
  const asked: (Request & { outlives?: boolean })[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const request = new Request(url, init);
    // happy-dom's Request forgets `keepalive`.
    asked.push(Object.assign(request, { outlives: init.keepalive === true }));
    const given = answer(request);
    if (given instanceof Error) throw given;
    Object.defineProperty(given, "url", { value: url });
    return given;
  });
  return asked;
}

afterEach(() => vi.unstubAllGlobals());

describe("signalling", () => {
  test("an offer is posted with the bearer token and its resource is found", async () => {
    const asked = network(
      () => new Response("v=0 answer", { status: 201, headers: { Location: "/whip/s1/r1", ETag: '"e1"' } }),
    );
    const answer = await new Endpoint(URL_, "secret").offer("v=0 offer", 1_000);
    expect(answer).toEqual({ sdp: "v=0 answer", resource: RESOURCE });
    expect(asked[0]?.headers.get("authorization")).toBe("Bearer secret");
    expect(asked[0]?.headers.get("content-type")).toBe("application/sdp");
    expect(await asked[0]?.text()).toBe("v=0 offer");
  });

  test("a refusal carries the server's code and its patience", async () => {
    network(() => new Response('{"code":"media.full"}', { status: 503, headers: { "Retry-After": "7" } }));
    const refused = await new Endpoint(URL_, null).offer("v=0", 1_000).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refusal);
    expect(refused).toMatchObject({ status: 503, code: "media.full", retryAfterS: 7 });
  });

  test("a proxy's page instead of a problem still has a code", () => {
    expect(problemCode("<html>Bad gateway</html>", 502)).toBe("http.502");
    expect(problemCode('{"title":"no code"}', 500)).toBe("http.500");
  });

  test("no answer is told apart from a refusal", async () => {
    network(() => new TypeError("Failed to fetch"));
    await expect(new Endpoint(URL_, null).offer("v=0", 1_000)).rejects.toBeInstanceOf(Unreachable);
  });

  test.each([
    [204, "known"],
    [403, "known"],
    [404, "gone"],
    [410, "gone"],
    [412, "gone"],
  ] as const)("a sign of life answered with %d means %s", async (status, life) => {
    const asked = network(() => new Response(null, { status }));
    expect(await new Endpoint(URL_, "t").signOfLife(RESOURCE, 1_000)).toBe(life);
    expect(asked[0]?.method).toBe("PATCH");
    expect(asked[0]?.headers.get("if-match")).toBe('"e1"');
  });

  test("leaving deletes the resource in a way that outlives the page, and failure is no news", async () => {
    const asked = network(() => new TypeError("gone"));
    await new Endpoint(URL_, "t").remove(RESOURCE, 1_000, true);
    expect(asked[0]?.method).toBe("DELETE");
    expect(asked[0]?.outlives).toBe(true);
  });

  test("a full hall is asked again later, a server in trouble soon, a firm no never", () => {
    const how = (status: number, code = "x") => verdict(new Refusal(status, code, null));
    expect([how(503, "media.full"), how(429)]).toEqual(["later", "later"]);
    expect([500, 502, 503, 408].map((status) => how(status))).toEqual(["soon", "soon", "soon", "soon"]);
    expect([400, 401, 403, 404, 409, 410, 422].map((status) => how(status))).toEqual(Array(7).fill("final"));
  });
});
