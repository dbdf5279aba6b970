"use strict";
// Everything works without this file; with it, pages follow what happens and pictures can be shared.

const WAIT_AFTER_PRESS = 150; // milliseconds in which the booth does what was pressed
const CALM = 400; // milliseconds for which a picture has been the first before a key decides on it
let last = "";
let asked = ""; // the picture that keys decide on

/** What tells a button, link or summary from all others of a page. */
function what(element) {
  const form = element.closest("form") ?? element.parentElement?.querySelector("form");
  const values = form ? [...new FormData(form)].filter(([name]) => name !== "serial") : [];
  return JSON.stringify([element.textContent, values]);
}

/** Put the <main> of a page in the place of the one that is shown; what is open or has the focus there keeps it. */
async function show(answer) {
  if (answer.status >= 500) return; // a fault, which is over soon
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  const now = document.querySelector("main");
  if (!next || !now || next.innerHTML === last) return;
  last = next.innerHTML;
  const open = [...now.querySelectorAll("details[open] > summary")].map(what);
  const focused = now.contains(document.activeElement) ? what(document.activeElement) : "";
  now.replaceWith(next);
  for (const summary of next.querySelectorAll("summary")) {
    summary.parentElement.open = open.includes(what(summary));
  }
  [...next.querySelectorAll("button, a, summary")].find((each) => what(each) === focused)?.focus({ preventScroll: true });
  tell(next);
  ask(next);
}

/** Say a new headline to who does not see it. */
function tell(main) {
  const status = document.querySelector("[role=status]");
  const text = main.querySelector("h1")?.textContent ?? "";
  if (!status || status.textContent === text) return;
  status.lang = main.lang;
  status.textContent = text;
}

async function look() {
  try {
    await show(await fetch(location.href));
  } catch {
    // the booth is away for a moment
  }
}

async function follow() {
  for (;;) {
    const main = document.querySelector("main[data-live]");
    if (!main) return;
    await new Promise((done) => setTimeout(done, Number(main.dataset.live)));
    if (!document.hidden) await look();
  }
}

/** Buttons of the visit act without loading the page again. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-stay]")) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "yes"; // a button that is disabled would lose the focus
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.redirected) history.replaceState(null, "", answer.url); // who begins a visit gets a token for it
    await show(answer);
    setTimeout(look, WAIT_AFTER_PRESS);
  } catch {
    // the booth is away for a moment
  }
  delete form.dataset.busy;
});

/** Mark what waits first for the host, which keys decide on from now on; a new one once it has been seen. */
async function ask(main) {
  const first = main.querySelector(".queue > li");
  if (!first) return;
  const image = first.querySelector("img");
  if (image.src !== asked) {
    await new Promise((done) => setTimeout(done, CALM));
    try {
      await image.decode();
    } catch {
      return; // nobody saw it: its buttons decide
    }
  }
  if (!first.isConnected) return;
  asked = image.src;
  first.setAttribute("aria-current", "true");
}

/** The host decides by y and n on the picture that is marked, where it is in sight. */
document.addEventListener("keydown", (event) => {
  const act = { y: "approve", n: "refuse" }[event.key?.toLowerCase()];
  const first = document.querySelector(".queue > [aria-current]");
  if (!act || !first || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const { top, bottom } = first.querySelector("img").getBoundingClientRect();
  if (top + bottom < 0 || top + bottom > 2 * innerHeight) {
    first.scrollIntoView({ block: "center" });
    return;
  }
  first.removeAttribute("aria-current"); // once is enough
  asked = "";
  first.querySelector(`form[action="/host/${act}"] button`).click();
});

/** Sharing, where the phone allows it: browsers do on encrypted pages only. */
async function offerSharing(button) {
  if (!navigator.canShare) return;
  const { share: place, name } = button.dataset;
  const type = place.endsWith(".mp4") ? "video/mp4" : "image/jpeg";
  const ending = place.slice(place.lastIndexOf("."));
  if (!navigator.canShare({ files: [new File([], name + ending, { type })] })) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const content = await (await fetch(place)).blob();
    try {
      await navigator.share({ files: [new File([content], name + ending, { type })] });
    } catch {
      // changed their mind
    }
  });
}

document.querySelectorAll("[data-share]").forEach(offerSharing);
last = document.querySelector("main")?.innerHTML ?? "";
ask(document);
follow();
