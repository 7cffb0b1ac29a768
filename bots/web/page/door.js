// Asks for the token, once a visit, when the server wants one.

import { keepToken } from "./api.js";

let waiting = null;

/** Resolves when a token was entered; requests that ask at the same time share one dialog. */
export function askForToken(wrong) {
  waiting ??= open(wrong).finally(() => (waiting = null));
  return waiting;
}

function open(wrong) {
  const door = document.getElementById("door");
  const token = document.getElementById("token");
  document.getElementById("door-trouble").hidden = !wrong;
  token.value = "";
  door.showModal();
  return new Promise((resolve) => {
    door.addEventListener("cancel", (event) => event.preventDefault());
    door.querySelector("form").addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        keepToken(token.value.trim());
        door.close();
        resolve();
      },
      { once: true },
    );
  });
}
