// The one way to the server: its control API, found beside the folder that this file came from.

const root = new URL("../", import.meta.url);
const TOKEN = "runa-mock-token";

export const serverUrl = new URL("../", root).href.replace(/\/$/, "");

/** A refusal of the control API, or no answer at all. */
export class Refused extends Error {
  constructor(status, document) {
    super(document?.message ?? `The server answered ${status}.`);
    this.status = status;
    this.help = document?.help ?? null;
  }
}

let askForToken = async () => null;

/** Tell what to do when the server wants a token: `ask(isWrong)` gives one. */
export function whenTokenIsNeeded(ask) {
  askForToken = ask;
}

/** The account that everything is about, "" for all; it lives in the page's own address. */
export function account() {
  return new URLSearchParams(location.search).get("account") ?? "";
}

export function chooseAccount(name) {
  const here = new URL(location.href);
  if (name) here.searchParams.set("account", name);
  else here.searchParams.delete("account");
  history.replaceState(null, "", here);
}

/** The address of a control call, about the chosen account unless `whole` is set. */
export function address(path, query = {}, { whole = false } = {}) {
  const url = new URL(path, root);
  for (const [name, value] of Object.entries(query)) {
    if (value !== "" && value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  if (!whole && account()) url.searchParams.set("account", account());
  return url.href;
}

export function get(path, query, options) {
  return call("GET", address(path, query, options));
}

export function send(method, path, body, options) {
  return call(method, address(path, {}, options), body);
}

/** A fetch with the token; a wrong or missing one is asked for, until the server takes it. */
export async function fetchWithToken(url, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
    const headers = { ...options.headers, ...(token === null ? {} : { "X-Mock-Token": token }) };
    const response = await fetch(url, { cache: "no-store", ...options, headers });
    if (response.status !== 401) return response;
    // Several calls may fail together; the first answer is good for all.
    if (sessionStorage.getItem(TOKEN) === token) await renewToken(token !== null);
  }
}

let renewal = null;

function renewToken(isWrong) {
  renewal ??= askForToken(isWrong).then((given) => {
    renewal = null;
    sessionStorage.setItem(TOKEN, given);
  });
  return renewal;
}

async function call(method, url, body) {
  let response;
  try {
    response = await fetchWithToken(url, {
      method,
      headers: { Accept: "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, { message: "The server does not answer. Is it running?" });
  }
  const document = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, document);
  return document;
}
