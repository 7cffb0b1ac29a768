// The pickers: when this conversation is answered by voice, and in which language.

import { changeChoices, readChoices } from "./api.js";

const $ = (id) => document.getElementById(id);
const PICKERS = { voice: "answer-voice", language: "answer-language", model: "answer-model" };

export class Choices {
  constructor(onTrouble) {
    this.onTrouble = onTrouble;
    for (const [name, id] of Object.entries(PICKERS)) {
      $(id).addEventListener("change", () => this.change({ [name]: $(id).value }));
    }
  }

  /** Show what a conversation prefers. */
  async show(channel) {
    this.channel = channel;
    await this.settle(() => readChoices(channel));
  }

  /** Offer the languages that the server has words for; others can be set with /language. */
  offer(languages) {
    const kept = $("answer-language").value;
    const named = Object.entries(languages).map(([tag, name]) => new Option(name, tag));
    $("answer-language").replaceChildren($("answer-language").options[0], ...named);
    this.pick("language", kept);
  }

  /** Offer the models that are here; nothing to choose from a single one. */
  offerModels(names) {
    const kept = $("answer-model").value;
    const named = names.map((name) => new Option(name, name));
    $("answer-model").replaceChildren($("answer-model").options[0], ...named);
    this.pick("model", kept);
    $("answer-model").closest("label").hidden = names.length < 2 && !kept;
  }

  async change(wanted) {
    await this.settle(() => changeChoices(this.channel, wanted));
  }

  async settle(ask) {
    const { channel } = this;
    try {
      const chosen = await ask();
      if (channel === this.channel) for (const name of Object.keys(PICKERS)) this.pick(name, chosen[name]);
    } catch {
      this.onTrouble();
    }
  }

  pick(name, value) {
    const picker = $(PICKERS[name]);
    if (![...picker.options].some((option) => option.value === value)) picker.append(new Option(value, value));
    picker.value = value;
  }
}
