// The service's own addresses, and the two ways in which a call can fail.

const PATIENCE = 15000; // milliseconds; the service answers within five seconds

export class Away extends Error {}

export class Refused extends Error {}

async function call(path, options = {}) {
  let response, body;
  try {
    response = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
    body = await response.json();
  } catch {
    throw new Away();
  }
  if (response.ok) return body;
  throw response.status < 500 ? new Refused(body.detail ?? String(response.status)) : new Away();
}

const post = (path, body) =>
  call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

export const door = {
  labels: () => call("static/labels.json"),
  residents: () => call("residents"),
  clock: () => call("clock"),
  moveClock: (forward) => post("clock", { forward }),
  say: (message) => post("messages", message),
  unasked: (user, after) => call("messages?" + new URLSearchParams({ user, after })),
};
