// What pages do besides: everything works without it.
"use strict";

const language = document.documentElement.lang;
const live = document.getElementById("live");

/** Tells people who listen rather than look. */
function tell(text) {
  if (live && text) live.textContent = text;
}

/** Moments in the reader's own time zone; the one in UTC stays at hand. */
function moments(within) {
  const form = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (time.title || Number.isNaN(at.valueOf())) continue;
    time.title = time.textContent;
    time.textContent = form.format(at);
  }
}

/** Theme and language as soon as they are chosen. */
function choices() {
  for (const form of document.querySelectorAll("form[data-choice]")) {
    const select = form.querySelector("select");
    form.querySelector("button").hidden = true;
    select.addEventListener("change", () => {
      if (select.name === "theme") document.documentElement.dataset.theme = select.value;
      form.requestSubmit();
    });
  }
}

/** Buttons that copy the text of what they name. */
function copies(within) {
  for (const button of within.querySelectorAll("button[data-copies]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent.trim());
      tell((button.textContent = button.dataset.done));
    });
  }
}

/** A field that files may be dropped on. */
function drops(within) {
  for (const place of within.querySelectorAll(".drop")) {
    const field = place.querySelector("input[type=file]");
    for (const name of ["dragenter", "dragover"]) {
      place.addEventListener(name, (event) => {
        event.preventDefault();
        place.classList.add("over");
      });
    }
    for (const name of ["dragleave", "drop"]) place.addEventListener(name, () => place.classList.remove("over"));
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!event.dataTransfer.files.length) return;
      field.files = event.dataTransfer.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
}

/** Forms with files are sent with a bar that says how far they are. */
function uploads(within) {
  for (const form of within.querySelectorAll("form[data-upload]")) {
    const bar = form.querySelector("progress");
    const said = form.querySelector("[data-said]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const request = new XMLHttpRequest();
      const button = form.querySelector("button:not([type=button])");
      bar.hidden = false;
      button.disabled = true;
      request.upload.addEventListener("progress", (sent) => {
        if (!sent.lengthComputable) return;
        bar.max = sent.total;
        bar.value = sent.loaded;
        const share = new Intl.NumberFormat(language, { style: "percent" }).format(sent.loaded / sent.total);
        said.textContent = sent.loaded < sent.total ? share : form.dataset.taken;
      });
      request.addEventListener("load", () => {
        if (request.status < 400 && request.responseURL !== form.action) return location.assign(request.responseURL);
        button.disabled = false;
        bar.hidden = true;
        shown(request.responseText, request.responseURL);
      });
      request.addEventListener("error", () => {
        button.disabled = false;
        bar.hidden = true;
        said.textContent = form.dataset.broken;
      });
      request.open("POST", form.action);
      request.send(new FormData(form));
    });
  }
}

/** Another answer to the same request, in the place of what stands here. */
function shown(text, address) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const main = fresh.querySelector("main");
  if (!main) return location.assign(address);
  document.querySelector("main").replaceWith(main);
  history.replaceState(null, "", address);
  begin(main);
  const fault = main.querySelector("[role=alert], [aria-invalid=true]");
  if (fault) (fault.tabIndex = -1), fault.focus();
}

/** Parts of the page that follow what happens: each is fetched again when its topic has changed, or after a while. */
function follow() {
  const parts = [...document.querySelectorAll("[data-topic]")];
  if (!parts.length) return;
  let waiting = null;
  let fetching = false;
  const refresh = async () => {
    waiting = null;
    if (fetching) return later();
    fetching = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-topic]")) renew(part, fresh.getElementById(part.id));
      again();
    } catch {
      later();
    } finally {
      fetching = false;
    }
  };
  const later = () => (waiting ??= setTimeout(refresh, 100 + 500 * Math.random()));
  const again = () => document.querySelector("[data-again]") && setTimeout(later, 1500);
  again();
  const topics = [...new Set(parts.flatMap((part) => part.dataset.topic.split(",")))].filter(Boolean);
  if (!topics.length || !window.EventSource) return;
  const source = new EventSource(`/api/changes?${new URLSearchParams(topics.map((topic) => ["topic", topic]))}`);
  source.addEventListener("open", later); // what changed before it was open, or while it was not
  source.addEventListener("change", later);
  addEventListener("pagehide", () => source.close());
}

/** Puts a newer part in the place of an older one, unless somebody is writing in it. */
function renew(part, fresh) {
  if (!fresh || (part.dataset.version && part.dataset.version === fresh.dataset.version)) return;
  if (!part.dataset.version && part.innerHTML === fresh.innerHTML) return;
  if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
  const log = part.querySelector(".log");
  const end = log && log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  const at = log ? log.scrollTop : 0;
  const open = [...part.querySelectorAll("details[open][id]")].map((each) => each.id);
  part.replaceWith(fresh);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  begin(fresh);
  const longer = fresh.querySelector(".log");
  if (longer) longer.scrollTop = end ? longer.scrollHeight : at;
  tell(fresh.dataset.tells);
}

/** The reader's own team stands out on a board that is the same for all. */
function own(within) {
  for (const board of [...within.querySelectorAll("[data-mine]"), ...(within.matches?.("[data-mine]") ? [within] : [])]) {
    if (board.dataset.mine) board.querySelector(`[data-team="${CSS.escape(board.dataset.mine)}"]`)?.classList.add("mine");
  }
}

/** An arena is voted in by keys: 1 and 2 for the sides, 0 for a tie. */
function keys() {
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return;
    document.querySelector(`button[data-key="${CSS.escape(event.key)}"]`)?.click();
  });
}

function begin(within) {
  moments(within);
  copies(within);
  drops(within);
  uploads(within);
  own(within);
  for (const here of within.querySelectorAll(".tabs [aria-current]")) {
    const list = here.closest("ul");
    list.scrollLeft = here.offsetLeft + here.offsetWidth / 2 - list.clientWidth / 2;
  }
  for (const log of within.querySelectorAll(".log")) log.scrollTop = log.scrollHeight;
}

begin(document);
choices();
follow();
keys();
