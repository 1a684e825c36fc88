// Drawings of results as SVG; what they show is also told in words.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 480;

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "className") element.className = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function draw(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function picture(height, label, ...children) {
  return draw("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": label }, ...children);
}

export function ends(results, scale) {
  if (scale) return scale;
  const values = results.flatMap((one) => [one.score, ...one.frame_quality]);
  const low = Math.min(...values);
  return [low, Math.max(...values, low + 1e-6)];
}

const rounded = (value) => Number(value).toFixed(2);

// An effect with its sign; what rounds to nothing has none.
export function signed(value) {
  const size = rounded(Math.abs(value));
  if (size === "0.00") return size;
  return `${value < 0 ? "−" : "+"}${size}`;
}

// The score and its interval on the scale, over the distribution of the training opinions.
export function scaleDrawing(result, model) {
  const [low, high] = ends([result], model.scale);
  const x = (value) => 8 + ((Math.min(Math.max(value, low), high) - low) / (high - low)) * (WIDTH - 16);
  const parts = [];
  const opinions = model.opinions ?? [];
  if (opinions.length > 2) {
    const bins = new Array(24).fill(0);
    for (let k = 1; k < opinions.length; k += 1) {
      const middle = (opinions[k] + opinions[k - 1]) / 2;
      bins[Math.min(23, Math.max(0, Math.floor(((middle - low) / (high - low)) * 24)))] += 1;
    }
    const most = Math.max(...bins);
    bins.forEach((count, k) => {
      const tall = (count / most) * 34;
      parts.push(draw("rect", { class: "spread", x: 8 + (k * (WIDTH - 16)) / 24, width: (WIDTH - 16) / 24 - 1, y: 42 - tall, height: tall }));
    });
  }
  parts.push(draw("line", { class: "axis", x1: 8, x2: WIDTH - 8, y1: 52, y2: 52 }));
  if (result.interval) {
    parts.push(draw("line", { class: "band", x1: x(result.interval[0]), x2: x(result.interval[1]), y1: 52, y2: 52 }));
  }
  parts.push(draw("circle", { class: "dot", cx: x(result.score), cy: 52, r: 8 }));
  for (let k = 0; k <= 4; k += 1) {
    const value = low + ((high - low) * k) / 4;
    const anchor = k === 0 ? "start" : k === 4 ? "end" : "middle";
    parts.push(draw("text", { x: k === 0 ? 2 : k === 4 ? WIDTH - 2 : x(value), y: 78, "text-anchor": anchor }, String(Number(value.toFixed(2)))));
  }
  const interval = result.interval ? `, interval ${rounded(result.interval[0])} to ${rounded(result.interval[1])}` : "";
  return picture(82, `Score ${rounded(result.score)} on a scale from ${low} to ${high}${interval}`, ...parts);
}

// Quality over time of one result, or of two on one axis.
export function timelineDrawing(results, model, moments = []) {
  const [low, high] = ends(results, model.scale);
  const last = Math.max(...results.flatMap((one) => one.times_s), 1e-6);
  const x = (time) => 28 + (time / last) * (WIDTH - 38);
  const y = (value) => 8 + (1 - (Math.min(Math.max(value, low), high) - low) / (high - low)) * 92;
  const parts = [];
  for (let k = 0; k <= 2; k += 1) {
    const value = low + ((high - low) * k) / 2;
    parts.push(draw("line", { class: "axis", x1: 28, x2: WIDTH - 10, y1: y(value), y2: y(value) }));
    parts.push(draw("text", { x: 22, y: y(value) + 4, "text-anchor": "end" }, String(Number(value.toFixed(1)))));
  }
  for (let k = 0; k <= 4; k += 1) {
    parts.push(draw("text", { x: x((last * k) / 4), y: 122, "text-anchor": k === 4 ? "end" : "middle" }, `${Number(((last * k) / 4).toFixed(1))} s`));
  }
  results.forEach((one, place) => {
    const points = one.times_s.map((time, k) => `${x(time).toFixed(1)},${y(one.frame_quality[k]).toFixed(1)}`);
    parts.push(draw("polyline", { class: place ? "two" : "one", points: points.join(" ") }));
    if (points.length === 1) parts.push(draw("circle", { class: "dot", cx: x(one.times_s[0]), cy: y(one.frame_quality[0]), r: 5 }));
  });
  moments.forEach((one) => parts.push(draw("circle", { class: "worst", cx: x(one.time_s), cy: y(one.quality), r: 5 })));
  const cursor = draw("line", { class: "cursor", visibility: "hidden", y1: 4, y2: 104 });
  const words = moments.map((one) => `${rounded(one.quality)} at ${one.time_s.toFixed(1)} s`).join(", ");
  const svg = picture(126, `Quality over time${words ? `; worst moments: ${words}` : ""}`, ...parts, cursor);
  const point = (time) => {
    cursor.setAttribute("visibility", "visible");
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, x(time));
  };
  return { svg, point };
}

export function bars(rows, caption) {
  const longest = Math.max(...rows.map((row) => Math.abs(row.value)), 1e-9);
  return make("table", {}, make("caption", {}, caption), make("tbody", {}, ...rows.map((row) => {
    const bar = make("i", { className: row.value < 0 ? "lowers" : "" });
    bar.style.setProperty("--l", `${(100 * Math.abs(row.value)) / longest}%`);
    const value = signed(row.value);
    return make("tr", {}, make("th", { scope: "row" }, row.name), make("td", { className: "bar" }, bar), make("td", { className: "number" }, value));
  })));
}
