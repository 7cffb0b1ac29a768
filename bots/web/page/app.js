// The page: words, history, and one TurnView a message.

import { onLockedDoor, randomHex, readTurns, Refused, say } from "./api.js";
import { Choices } from "./choices.js";
import { Composer } from "./composer.js";
import { element, TurnView } from "./conversation.js";
import { askForToken } from "./door.js";
import { Models } from "./models.js";
import { loadWords, t } from "./words.js";

const CHANNEL = "parley.channel";
const PENDING = "parley.pending";
const NEAR_END_PX = 120;
const ANNOUNCED_MS = 1000;
const COMMAND = /^\/[a-z_]+(\s|$)/; // Parley's own words are not rated
const FORGET = /^\/forget\s+(me|channel)\s*$/; // what was said here is no more
const $ = (id) => document.getElementById(id);

let historyShown = Promise.resolve();
let channel = localStorage.getItem(CHANNEL) ?? newChannel();

function randomName() {
  return randomHex(12);
}

function newChannel() {
  const name = randomName();
  localStorage.setItem(CHANNEL, name);
  return name;
}

// A text that was sent and not answered yet: a reload asks again with the same key.
const pending = {
  all: () => JSON.parse(localStorage.getItem(PENDING) ?? "[]"),
  add: (entry) => localStorage.setItem(PENDING, JSON.stringify([...pending.all(), entry])),
  remove: (key) => localStorage.setItem(PENDING, JSON.stringify(pending.all().filter((entry) => entry.key !== key))),
};

const scroll = $("scroll");
const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;

/** Change the page and stay at its end if the reader was there. */
function keepEnd(change, always = false) {
  const follow = always || atEnd();
  change();
  $("greeting").hidden = $("turns").childElementCount > 0 || !$("banner").hidden;
  if (follow) scroll.scrollTop = scroll.scrollHeight;
  $("latest").hidden = atEnd();
}

/** Say the finished answer to a screen reader, once: the growing text would be read word by word. */
function announce(text) {
  $("spoken").textContent = text;
  setTimeout(() => ($("spoken").textContent = ""), ANNOUNCED_MS);
}

async function showHistory() {
  const here = channel;
  $("turns").replaceChildren();
  $("banner").hidden = true;
  let turns;
  try {
    turns = await readTurns(here);
  } catch (error) {
    const again = element("button", { type: "button", className: "quiet" }, t("retry"));
    again.addEventListener("click", showHistory);
    $("banner").replaceChildren(error.status ? error.message : t("history_failed"), " ", again);
    $("banner").hidden = false;
    return;
  }
  if (here !== channel) return;
  keepEnd(() => {
    for (const turn of turns) {
      const view = new TurnView($("turns"), here);
      view.showSaid({ text: turn.heard ? "" : turn.said, spoken: turn.heard });
      if (turn.heard) view.heard(turn.said);
      view.reply(turn.reply, turn.message_id, turn.reactions);
      if (turn.voice_url) view.voice(turn.voice_url);
    }
  }, true);
  const known = new Set(turns.map((turn) => turn.message_id));
  for (const entry of pending.all().filter((each) => each.channel === here)) {
    begin({ text: entry.text }, entry.key, known);
  }
}

/** Say a message once the turns before it are on the page. */
async function converse(message) {
  await historyShown;
  begin(message);
}

/** Show a message and follow its answer; `known` are the ids of turns that the page shows already. */
function begin(message, key = randomName(), known = new Set()) {
  const here = channel;
  const view = new TurnView($("turns"), here);
  keepEnd(() => view.showSaid(message), true);
  if (!message.file && !pending.all().some((entry) => entry.key === key)) {
    pending.add({ channel: here, key, text: message.text });
  }
  follow(view, here, message, key, known);
}

async function follow(view, here, message, key, known) {
  keepEnd(() => view.wait());
  const on = {
    accepted: ({ message_id: id }) => known.has(id) && view.remove(),
    lost: () => keepEnd(() => view.wait(t("reconnecting"))),
    heard: ({ text }) => keepEnd(() => view.heard(text)),
    draft: ({ text }) => keepEnd(() => view.draft(text)),
    reply: ({ text, message_id: id }) => {
      pending.remove(key);
      if (FORGET.test(message.text)) for (const each of [...$("turns").children]) if (each !== view.root) each.remove();
      keepEnd(() => view.reply(text, COMMAND.test(message.text) ? "" : id));
      announce(text);
    },
    file: ({ file_url: url }) => keepEnd(() => view.file(url)),
    voice: ({ voice_url: url }) => keepEnd(() => view.voice(url)),
  };
  try {
    await say(here, { ...message, key }, on);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showTrouble(view, here, message, key, error);
  }
}

function showTrouble(view, here, message, key, error) {
  // A refusal is final for its key; after a broken connection or a late answer the same key asks for the same answer.
  const final = error.status >= 400 && error.status < 500;
  if (final) pending.remove(key);
  const again = () => follow(view, here, message, final ? randomName() : key, new Set());
  keepEnd(() => view.fail(error.status ? error.message : t("offline"), again));
}

let choices;
let composer;

async function chooseLanguage(tag) {
  const { language, languages, commands } = await loadWords(tag);
  choices.offer(languages);
  composer.suggestions.offer(commands);
  const options = Object.entries(languages).map(([each, name]) => new Option(name, each, false, each === language));
  $("language").replaceChildren(...options);
}

async function start() {
  onLockedDoor(askForToken);
  choices = new Choices(() => composer.complain("not_saved"));
  composer = new Composer(converse);
  const models = new Models(choices);
  await chooseLanguage();
  $("language").addEventListener("change", async () => {
    await chooseLanguage($("language").value);
    models.look();
  });
  models.watch();
  $("new").addEventListener("click", () => {
    channel = newChannel();
    historyShown = showHistory();
    choices.show(channel);
    $("text").focus();
  });
  $("latest").addEventListener("click", () => scroll.scrollTo({ top: scroll.scrollHeight, behavior: "smooth" }));
  scroll.addEventListener("scroll", () => ($("latest").hidden = atEnd()), { passive: true });
  historyShown = showHistory();
  choices.show(channel);
  $("composer").inert = false;
  $("text").focus();
}

start();
