// A finished job, and two of them side by side.

import { picture } from "./api.js";
import { bars, make, scaleDrawing, signed, timelineDrawing } from "./drawing.js";

const rounded = (value) => Number(value).toFixed(2);

export function resultOf(job, model) {
  const row = job.result;
  const told = row.explanation ?? { causes: [], moments: [], descriptions: [], maps: [], remarks: [] };
  const parts = [score(row, model), scaleDrawing(row, model)];
  const notes = [row.note, ...(model.notes ?? []), told.main_cause?.text, ...told.remarks].filter(Boolean);
  if (notes.length) parts.push(make("div", { className: "told" }, ...notes.map((note) => make("p", {}, note))));
  if (row.times_s.length > 1) parts.push(make("h4", {}, "Quality over time"), ...timeline(row, model, told.moments));
  const worst = job.pictures.slice(0, told.moments.length);
  const maps = job.pictures.slice(told.moments.length);
  if (worst.length) parts.push(make("h4", {}, "Worst moments"), pictures(job, worst));
  if (maps.length) parts.push(make("h4", {}, "Maps"), pictures(job, maps));
  if (told.causes.length) {
    const rows = told.causes.map((one) => ({ name: one.kind, value: one.effect }));
    parts.push(make("h4", {}, "What moves the score"), bars(rows, "against the median training video"));
    parts.push(make("details", {}, make("summary", {}, "How this was checked"), make("ul", {}, ...told.causes.map((one) => make("li", {}, one.text)))));
  }
  if (told.descriptions.length) {
    const rows = told.descriptions.map((one) => ({ name: `${one.text} (${one.set})`, value: one.change }));
    parts.push(make("h4", {}, "Descriptions that move the score"), bars(rows, "with their fit, less without"));
  }
  parts.push(more(job, row, model));
  return parts;
}

function score(row, model) {
  const scale = model.scale ? `of ${model.scale[1]}` : "";
  const words = [scale];
  if (row.interval) words.push(`${Math.round(100 * row.level)} % interval ${rounded(row.interval[0])} to ${rounded(row.interval[1])}`);
  if (row.percentile !== null && row.percentile !== undefined) words.push(`better than ${Math.round(row.percentile)} % of the training videos`);
  return make("p", { className: "score" }, make("b", {}, rounded(row.score)), make("span", { className: "quiet" }, words.filter(Boolean).join(" · ")));
}

function timeline(row, model, moments) {
  const { svg, point } = timelineDrawing([row], model, moments);
  const told = make("output", {}, moments.length ? "Circles mark the worst moments; move the slider to read values." : "");
  const slider = make("input", { type: "range", min: 0, max: row.times_s.length - 1, step: 1, value: 0, "aria-label": "Moment of the video" });
  const show = () => {
    const words = `${row.times_s[slider.value].toFixed(2)} s: quality ${rounded(row.frame_quality[slider.value])}`;
    slider.setAttribute("aria-valuetext", words);
    told.textContent = words;
    point(row.times_s[slider.value]);
  };
  slider.addEventListener("input", show);
  slider.setAttribute("aria-valuetext", `${row.times_s[0].toFixed(2)} s: quality ${rounded(row.frame_quality[0])}`);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const time = (((event.clientX - box.left) / box.width) * 480 - 28) / 442 * Math.max(...row.times_s);
    const apart = row.times_s.map((one) => Math.abs(one - time));
    slider.value = apart.indexOf(Math.min(...apart));
    show();
  });
  return [svg, slider, told];
}

// The service draws the worst moments first, then the maps.
function pictures(job, shown) {
  return make("div", { className: "pictures" }, ...shown.map((one) => {
    const words = `${one.title}, at ${one.time_s.toFixed(1)} s`;
    const image = make("img", { alt: `Frame of ${job.name}: ${words}` });
    const figure = make("figure", {}, image, make("figcaption", {}, words));
    picture(one.url).then((source) => { image.src = source; }, () => { figure.replaceChildren(make("figcaption", {}, `${words}: the picture is gone`)); });
    return figure;
  }));
}

function more(job, row, model) {
  const data = new Blob([JSON.stringify(row, null, 1)], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(data), download: `${job.name}.json` }, "Download as JSON");
  const facts = `${row.frames} frames · model ${model.name} · ${model.scale_is}`;
  return make("details", {}, make("summary", {}, "Details"), make("p", { className: "quiet" }, facts),
    make("p", { className: "quiet" }, `Timeline: ${row.timeline}`), make("p", {}, link),
    make("p", { className: "quiet" }, "The same on a command line:"), make("pre", { tabindex: 0 }, `vqa score ${model.name} ${quoted(job.name)} --explain`));
}

const quoted = (name) => (/^[\w.+-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

// Two results: what can honestly be said about their order, and both timelines on one axis.
export function comparison([first, second], model) {
  const [a, b] = [first.result, second.result];
  const apart = a.score - b.score;
  const [better, worse] = apart >= 0 ? [first, second] : [second, first];
  let words = `${better.name} scores ${rounded(Math.abs(apart))} higher than ${worse.name}.`;
  if (rounded(Math.abs(apart)) === "0.00") words = "Both videos have the same score.";
  else if (a.interval && b.interval) {
    const overlap = a.interval[0] <= b.interval[1] && b.interval[0] <= a.interval[1];
    words += overlap
      ? " Their intervals overlap, so viewers may see it the other way round; versions of one scene compare more reliably."
      : " Their intervals do not overlap.";
  }
  const { svg } = timelineDrawing([a, b], model);
  const legend = make("p", { className: "quiet" }, make("i", { className: "key" }), `${first.name} ${rounded(a.score)}`, make("br"), make("i", { className: "key second" }), `${second.name} ${rounded(b.score)}`);
  const parts = [make("p", { className: "verdict" }, words), legend, make("div", { className: "wide" }, svg)];
  const [ours, theirs] = [a, b].map((row) => Object.fromEntries((row.explanation?.causes ?? []).map((one) => [one.kind, one.effect])));
  const kinds = Object.keys(ours).filter((kind) => kind in theirs);
  if (kinds.length) {
    const rows = kinds.map((kind) => make("tr", {}, make("th", { scope: "row" }, kind), ...[ours, theirs].map((one) => make("td", { className: "number" }, signed(one[kind])))));
    const head = make("tr", {}, make("th", { scope: "col" }, "Effect on the score"), ...[first, second].map((one) => make("th", { scope: "col", className: "number" }, one.name)));
    parts.push(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
  }
  return parts;
}
