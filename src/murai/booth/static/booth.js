"use strict";
// Everything works without this file; with it, pages follow what happens and pictures can be shared.

const WAIT_AFTER_PRESS = 150; // milliseconds in which the booth does what was pressed
let last = "";

/** Put the <main> of a page in the place of the one that is shown, unless somebody is using that. */
function show(html) {
  const next = new DOMParser().parseFromString(html, "text/html").querySelector("main");
  const now = document.querySelector("main");
  if (!next || !now || next.innerHTML === last) return;
  if (now.querySelector("details[open]")) return;
  last = next.innerHTML;
  now.replaceWith(next);
}

async function look() {
  try {
    show(await (await fetch(location.href)).text());
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
  form.querySelector("button").disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    show(await answer.text());
    setTimeout(look, WAIT_AFTER_PRESS);
  } catch {
    form.querySelector("button").disabled = false;
  }
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
follow();
