// The turns on the page: what was said, and the answer below it.

import { download, react } from "./api.js";
import { markdown } from "./markdown.js";
import { player } from "./player.js";
import { t } from "./words.js";

const SAVED_MS = 60_000;
const THUMBS = { "👍": "good", "👎": "bad" };

/** An element with properties; children may be strings, which become text nodes. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Give an element an accessible name that follows the language. */
function labelled(node, key) {
  node.dataset.tLabel = key;
  node.setAttribute("aria-label", t(key));
  return node;
}

/** A button with its name as tooltip. */
function named(key, className, ...children) {
  return labelled(element("button", { type: "button", className, title: t(key) }, ...children), key);
}

/** One message and its answer. */
export class TurnView {
  constructor(list, channel) {
    this.channel = channel;
    this.said = labelled(element("div", { className: "said", dir: "auto", role: "group" }), "you");
    this.heardLine = element("p", { className: "heard", hidden: true, dir: "auto" });
    this.text = element("div", { className: "text", dir: "auto" });
    this.trouble = element("p", { className: "trouble", hidden: true });
    this.deeds = element("div", { className: "deeds" });
    this.answer = element("article", { className: "answer" }, this.heardLine, this.text, this.trouble, this.deeds);
    labelled(this.answer, "answer_of");
    this.root = element("li", { className: "turn" }, this.said, this.answer);
    list.append(this.root);
  }

  /** Show what the reader said: text, and a voice note, picture or file with it. */
  showSaid({ text, file, seconds, spoken }) {
    if (file?.type.startsWith("image/")) {
      this.said.append(element("img", { src: URL.createObjectURL(file), alt: file.name }));
    } else if (file && !/^(audio|video)\//.test(file.type)) {
      this.said.append(element("p", { className: "chip" }, file.name));
    } else if (file) {
      this.said.append(player(async () => file, "voice_note", (error) => this.fail(error.message), seconds));
    } else if (spoken) {
      const label = element("span", {}, t("voice_note"));
      label.dataset.t = "voice_note";
      this.said.append(element("p", { className: "chip" }, "🎙 ", label));
    }
    if (text) this.said.append(element("p", {}, text));
  }

  /** Dots until the first word. */
  wait(note = "") {
    this.answer.setAttribute("aria-busy", "true");
    this.trouble.hidden = !note;
    this.trouble.textContent = note;
    if (this.text.childElementCount) return;
    const dots = element("p", { className: "dots", role: "img" }, element("i"), element("i"), element("i"));
    dots.setAttribute("aria-label", t("thinking"));
    this.text.replaceChildren(dots);
  }

  heard(text) {
    this.heardLine.hidden = !text;
    const label = element("span", { className: "unseen" }, `${t("heard")}: `);
    this.heardLine.replaceChildren("🎧 ", label, text);
  }

  draft(text) {
    this.trouble.hidden = true;
    this.text.replaceChildren(...markdown(text));
  }

  /** The whole answer; `id` is "" for what cannot be rated. */
  reply(text, id, reactions = []) {
    this.draft(text);
    this.done();
    this.deeds.replaceChildren();
    if (id) for (const emoji of Object.keys(THUMBS)) this.deeds.append(this.thumb(emoji, id, reactions.includes(emoji)));
    if (navigator.clipboard) this.deeds.append(this.copier(text));
  }

  voice(url) {
    const made = player(() => download(url), "play", () => this.fail(t("no_sound")));
    this.text.after(made);
  }

  /** A button that saves a file which came with the answer. */
  file(url) {
    const button = named("download", "quiet", t("download"));
    button.dataset.t = "download";
    button.addEventListener("click", async () => {
      try {
        const href = URL.createObjectURL(await download(url));
        element("a", { href, download: "parley.json" }).click();
        setTimeout(() => URL.revokeObjectURL(href), SAVED_MS);
      } catch (error) {
        this.fail(error.status ? error.message : t("offline"));
      }
    });
    this.deeds.prepend(button);
  }

  /** One kind line; `retry` adds a button. */
  fail(sentence, retry) {
    this.done();
    this.text.querySelector(".dots")?.remove();
    this.trouble.hidden = false;
    this.trouble.replaceChildren(sentence);
    if (!retry) return;
    const again = element("button", { type: "button", className: "quiet" }, t("retry"));
    again.dataset.t = "retry";
    again.addEventListener("click", () => {
      this.trouble.hidden = true;
      retry();
    });
    this.trouble.append(" ", again);
  }

  done() {
    this.answer.removeAttribute("aria-busy");
  }

  remove() {
    this.root.remove();
  }

  thumb(emoji, id, pressed) {
    const button = named(THUMBS[emoji], "icon thumb", emoji);
    const press = (on) => button.setAttribute("aria-pressed", String(on));
    press(pressed);
    button.addEventListener("click", async () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      const other = [...this.deeds.querySelectorAll(".thumb")].find((each) => each !== button);
      const release = on && other?.getAttribute("aria-pressed") === "true";
      press(on);
      if (release) other.setAttribute("aria-pressed", "false");
      try {
        if (release) await react(this.channel, id, other.textContent, false);
        await react(this.channel, id, emoji, on);
      } catch (error) {
        press(!on);
        if (release) other.setAttribute("aria-pressed", "true");
        this.fail(error.status ? error.message : t("not_saved"));
      }
    });
    return button;
  }

  copier(text) {
    const button = named("copy", "quiet copy", t("copy"));
    button.dataset.t = "copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = t("copied");
      setTimeout(() => (button.textContent = t("copy")), 1500);
    });
    return button;
  }
}
