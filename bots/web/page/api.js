// The chat API: requests with the token, an answer as events, and patience when the connection breaks.

const TOKEN = "parley.token";
const VISITOR = "parley.visitor";
const FIRST_WORD_MS = 20_000;
const PATIENCE = 2; // times the longest silence that the server speaks of: its word may be on its way
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 8000, 8000];
let askForToken = async () => {};

/** An answer that says no: `status` is 0 when nothing was heard at all. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Set what asks the reader for the token; it resolves once there is one. */
export function onLockedDoor(ask) {
  askForToken = ask;
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

/** Random bytes in hex. */
export function randomHex(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** By what the server knows this browser again. Whoever has it speaks as its person, so it is shown nowhere. */
function visitor() {
  if (!localStorage.getItem(VISITOR)) localStorage.setItem(VISITOR, randomHex(16));
  return localStorage.getItem(VISITOR);
}

/** `fetch` with token and language; asks for the token when it is missing or wrong. Throws Refused. */
export async function call(path, options = {}) {
  for (let tries = 0; ; tries += 1) {
    const headers = { ...options.headers, "Accept-Language": document.documentElement.lang, "Parley-Visitor": visitor() };
    const token = sessionStorage.getItem(TOKEN);
    if (token) headers.Authorization = `Bearer ${token}`;
    let response;
    try {
      response = await fetch(path, { ...options, headers });
    } catch (error) {
      throw new Refused(0, String(error));
    }
    if (response.ok) return response;
    if (response.status !== 401) throw new Refused(response.status, await sentence(response));
    await askForToken(Boolean(token));
  }
}

async function sentence(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

const messages = (channel) => `/v1/channels/${channel}/messages`;

/** The conversation so far. */
export async function readTurns(channel) {
  return (await (await call(messages(channel))).json()).messages;
}

/** The models that are open, those on their way, and those that can be chosen. */
export async function readModels() {
  return (await call("/v1/models")).json();
}

const preferences = (channel) => `/v1/channels/${channel}/preferences`;

/** How a conversation is answered: voice and language. */
export async function readChoices(channel) {
  return (await call(preferences(channel))).json();
}

/** Change some of it; returns all of it. */
export async function changeChoices(channel, wanted) {
  const options = { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(wanted) };
  return (await call(preferences(channel), options)).json();
}

/** Put or take away one emoji. */
export async function react(channel, id, emoji, on) {
  await call(`${messages(channel)}/${id}/reactions/${encodeURIComponent(emoji)}`, { method: on ? "PUT" : "DELETE" });
}

/** A spoken answer or a file as a blob: neither an audio element nor a link could send the token. */
export async function download(url) {
  return (await call(url)).blob();
}

/**
 * Say something and follow the answer: `on[event](data)` for accepted, heard, draft, reply, file and voice, `on.lost()` each
 * time the connection breaks. The key stays the same, so that trying again never asks twice. Throws Refused.
 */
export async function say(channel, message, on) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await sayOnce(channel, message, on);
    } catch (error) {
      const passing = error instanceof Refused && (error.status === 0 || error.status === 503);
      if (!passing || tries >= PAUSES_MS.length) throw error;
    }
    on.lost();
    await new Promise((resume) => setTimeout(resume, PAUSES_MS[tries]));
  }
}

async function sayOnce(channel, { key, text, file }, on) {
  const headers = { Accept: "text/event-stream", "Idempotency-Key": key };
  let body;
  if (file) {
    body = new FormData();
    if (text) body.append("text", text);
    body.append("file", file, file.name);
  } else {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify({ text });
  }
  const watch = new AbortController();
  const response = await call(messages(channel), { method: "POST", headers, body, signal: watch.signal });
  let answered = false;
  let patienceMs = FIRST_WORD_MS;
  for await (const [name, data] of events(response.body, watch, () => patienceMs)) {
    if (name === "accepted") patienceMs = PATIENCE * 1000 * data.silence_s;
    if (name === "error") throw new Refused(data.status, data.message);
    answered ||= name === "reply";
    on[name]?.(data);
  }
  if (!answered) throw new Refused(0, "the stream ended early");
}

async function* events(body, watch, patienceMs) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const alarm = setTimeout(() => watch.abort(), patienceMs());
    let piece;
    try {
      piece = await reader.read();
    } catch (error) {
      throw new Refused(0, String(error));
    } finally {
      clearTimeout(alarm);
    }
    if (piece.done) return;
    const blocks = (rest + piece.value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1];
      if (name) yield [name, JSON.parse(/^data: (.*)$/m.exec(block)[1])];
    }
  }
}
