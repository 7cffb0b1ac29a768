// Which model answers: a bar while a real one is on its way, and the picker of those that are here.

import { readModels } from "./api.js";
import { element } from "./conversation.js";
import { t } from "./words.js";

const SOON_MS = 1000; // while something changes
const LATER_MS = 60_000;
const KINDS = { mind: "coming_mind", ears: "coming_ears" };
const STATES = { fetching: "coming_fetching", opening: "coming_opening" };
const $ = (id) => document.getElementById(id);

export class Models {
  constructor(choices) {
    this.choices = choices;
  }

  /** Look now, and again for as long as the page is open. */
  async watch() {
    let pause = LATER_MS;
    try {
      const found = await readModels();
      this.show(found);
      if (!found.models.length || found.coming.some(onItsWay)) pause = SOON_MS;
    } catch {
      // The next message tells that Parley cannot be reached.
    }
    this.timer = setTimeout(() => this.watch(), pause);
  }

  /** Look again at once. */
  look() {
    clearTimeout(this.timer);
    this.watch();
  }

  show({ models, coming, choices }) {
    const mind = models.find((model) => model.kind === "language");
    const shown = models.length ? coming.filter((each) => each.state !== "here").map(line) : [loading()];
    $("coming").replaceChildren(...shown);
    $("coming").hidden = !shown.length;
    $("mind").textContent = mind ? `${mind.name} · ${t(mind.place === "this machine" ? "on_this_machine" : "on_a_server")}` : "";
    this.choices.offerModels(choices);
  }
}

const onItsWay = ({ state }) => state in STATES;

function loading() {
  return element("p", {}, t("models_loading"));
}

/** One model on its way, or why it does not come. */
function line({ name, kind, state, percent, reason }) {
  if (state === "failed") return element("p", { className: "failed" }, `${t("coming_failed")} ${reason}`);
  const words = `${t(KINDS[kind])}: ${name}, ${t(STATES[state])}`;
  const bar = element("progress", { max: 100, value: percent });
  bar.setAttribute("aria-label", words);
  return element("p", {}, words, bar, `${percent} %`);
}
