// Videos from their drop to their result; a job's id stands in the address, so a reload shows it again.

import * as api from "./api.js";
import { make } from "./drawing.js";
import { comparison, resultOf } from "./result.js";

const at = (id) => document.getElementById(id);
const items = [];
const ENDED = ["done", "failed", "cancelled"];
// A browser opens six connections to a server; waiting requests must leave some for uploads and pictures.
const MOST_WAITING = 3;
let model = null;
const pause = (seconds) => new Promise((resolve) => { setTimeout(resolve, 1000 * seconds); });
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

function say(words) {
  at("spoken").textContent = words;
}

async function begin() {
  for (;;) {
    try {
      model = await api.model();
      break;
    } catch (error) {
      at("about").textContent = `${error.message}; ${error.remedy}`;
      at("token").hidden = error.status !== 401;
      if (error.status === 401) {
        at("token-told").textContent = api.token.get() ? "This token was not accepted." : "";
        return;
      }
      await pause(error.seconds || 3);
    }
  }
  if (at("token").contains(document.activeElement)) at("file").focus();
  at("token").hidden = true;
  const scale = model.scale ? `from ${model.scale[0]} to ${model.scale[1]}` : "without fixed ends";
  at("about").textContent = `The model ${model.name} scores it ${scale} (${model.scale_is}); higher is better.`;
  at("limits").textContent = `At most ${megabytes(model.limits.max_bytes)} and ${model.limits.max_video_s} s. Two videos are compared.`;
  at("address").hidden = !model.urls.length;
  at("hosts").textContent = `From ${model.urls.join(", ")}`;
  linked();
}

function linked() {
  for (const id of location.hash.replace(/^#job=/, "").split(",")) {
    if (/^[0-9a-f]{32}$/.test(id) && !items.some((one) => one.job?.id === id)) follow(added("video"), id);
  }
}

function added(name) {
  const item = { name, job: null, stop: new AbortController() };
  item.title = make("h3", {}, name);
  item.button = make("button", { type: "button", onclick: () => drop(item) }, "Cancel");
  item.body = make("div", {});
  item.card = make("article", { className: "card" }, make("div", { className: "head" }, item.title, item.button), item.body);
  item.bar = make("progress", { max: 1, "aria-label": `Progress of ${name}` });
  item.words = make("p", { className: "quiet" });
  items.push(item);
  at("cards").append(item.card);
  label(item);
  return item;
}

function label(item) {
  item.title.textContent = item.name;
  item.button.setAttribute("aria-label", `${item.button.textContent} ${item.name}`);
}

function show(item, words, share = null) {
  if (item.words.parentNode !== item.body) item.body.replaceChildren(item.bar, item.words);
  if (share === null) item.bar.removeAttribute("value");
  else item.bar.value = share;
  item.words.textContent = words;
}

function failed(item, error) {
  item.button.textContent = "Remove";
  label(item);
  item.failed = true;
  item.body.replaceChildren(make("div", { className: "told", role: "alert" }, make("p", {}, `${error.message}.`), make("p", {}, `What helps: ${error.remedy}.`)));
}

async function send(item, post) {
  for (let lost = 0; ; ) {
    try {
      const job = await post();
      if (item.stop.signal.aborted) {
        api.cancel(job.id).catch(() => {});
        return;
      }
      await follow(item, job.id);
      return;
    } catch (error) {
      if (error.name === "AbortError") return;
      const busy = error.status === 429 || error.status === 503;
      if (!busy && (error.status !== 0 || ++lost > 4)) {
        failed(item, error);
        return;
      }
      for (let left = error.seconds || 2 ** lost; left > 0 && !item.stop.signal.aborted; left -= 1) {
        show(item, `${error.message}: sent again in ${Math.ceil(left)} s`);
        await pause(Math.min(left, 1));
      }
      if (item.stop.signal.aborted) return;
    }
  }
}

function sendFile(file) {
  const item = added(file.name);
  const { max_bytes: most } = model.limits;
  if (file.size > most) {
    failed(item, { message: `${megabytes(file.size)} are too many; the service takes ${megabytes(most)}`, remedy: "send a shorter or smaller file" });
    return;
  }
  const progress = (sent, all) => show(item, all && sent < all ? `Sent ${megabytes(sent)} of ${megabytes(all)}` : "Sent; the service checks it", all ? sent / all : null);
  show(item, "Sending", 0);
  send(item, () => api.sendFile(file, { progress, signal: item.stop.signal }));
}

async function follow(item, id) {
  item.job = { id };
  remember();
  for (let first = true, lost = 0; !item.stop.signal.aborted; first = false) {
    const many = items.filter((one) => one.job && !one.failed && !ENDED.includes(one.job.state)).length > MOST_WAITING;
    if (many && !first) await pause(2);
    try {
      item.job = await api.job(id, { wait: first || many ? 0 : 10, state: item.job.state, signal: item.stop.signal });
      lost = 0;
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status !== 0 && error.status < 500 && error.status !== 429) {
        failed(item, error);
        return;
      }
      show(item, `${error.message}; ${error.remedy}`);
      await pause(Math.min(2 ** (lost += 1), 15));
      continue;
    }
    item.name = item.job.name;
    label(item);
    if (ENDED.includes(item.job.state)) break;
    show(item, ...state(item.job));
  }
  if (item.stop.signal.aborted) return;
  item.button.textContent = "Remove";
  label(item);
  if (item.job.state === "done") {
    item.body.replaceChildren(...resultOf(item.job, model));
    say(`${item.name}: score ${item.job.result.score.toFixed(2)}`);
  } else failed(item, { message: item.job.error || "the job was cancelled", remedy: item.job.remedy || "send the video again" });
  compare();
}

function state(job) {
  const left = job.eta_s === null ? "" : `; about ${Math.max(1, Math.round(job.eta_s))} s left`;
  if (job.state === "queued") return [job.position ? `Waiting: ${job.position} before it${left}` : `Next in the queue${left}`];
  if (!job.progress) return [`Being scored${left}`];
  const { done, of } = job.progress;
  return [`Scored ${done}${of ? ` of ${of}` : ""} frames${left}`, of ? done / of : null];
}

function drop(item) {
  item.stop.abort();
  if (item.job?.id && !ENDED.includes(item.job.state)) api.cancel(item.job.id).catch(() => {});
  items.splice(items.indexOf(item), 1);
  const next = item.card.nextElementSibling?.querySelector("button") ?? at("file");
  item.card.remove();
  next.focus();
  say(`${item.name} removed`);
  remember();
  compare();
}

function remember() {
  const ids = items.filter((one) => one.job && !one.failed).map((one) => one.job.id);
  history.replaceState(null, "", ids.length ? `#job=${ids.join(",")}` : location.pathname);
}

function compare() {
  const done = items.filter((one) => one.job?.result);
  at("comparison").hidden = done.length < 2;
  if (done.length < 2) return;
  const chosen = done.slice(-2);
  const drawn = make("div", {});
  const redraw = () => drawn.replaceChildren(...comparison(chosen.map((one) => one.job), model));
  const selects = chosen.map((one, place) => {
    const select = make("select", {}, ...done.map((each, k) => make("option", { value: k, ...(each === one ? { selected: "" } : {}) }, each.name)));
    select.addEventListener("change", () => { chosen[place] = done[select.value]; redraw(); });
    return make("label", {}, place ? "with" : "Compare", select);
  });
  at("both").replaceChildren(...(done.length > 2 ? [make("div", { className: "choose" }, ...selects)] : []), drawn);
  redraw();
}

function takes(files) {
  if (!model) say("The service is not ready yet");
  else [...files].forEach(sendFile);
}

at("file").addEventListener("change", (event) => { takes(event.target.files); event.target.value = ""; });
for (const name of ["dragenter", "dragover"]) {
  at("drop").addEventListener(name, (event) => { event.preventDefault(); at("drop").classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) at("drop").addEventListener(name, () => at("drop").classList.remove("over"));
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
at("drop").addEventListener("drop", (event) => takes(event.dataTransfer.files));
at("address").addEventListener("submit", (event) => {
  event.preventDefault();
  const url = at("url").value;
  send(added(url), () => api.sendAddress(url));
  at("url").value = "";
});
at("token").addEventListener("submit", (event) => {
  event.preventDefault();
  api.token.set(at("secret").value);
  begin();
});
addEventListener("hashchange", () => { if (model) linked(); });
begin();
