// A long table in pages: its rows are data, of which one page at a time becomes HTML.
function paged(table) {
  const { size, columns } = JSON.parse(document.getElementById(table.dataset.paged).textContent);
  for (const column of columns.filter(({ shared }) => shared)) {
    let last = "";
    column.values = column.values.map((rest, row) => (last = last.slice(0, column.shared[row]) + rest));
  }
  const heads = [...table.tHead.rows[0].cells];
  const total = columns[0].values.length;
  let order = Uint32Array.from({ length: total }, (_, row) => row);
  let matching = order;
  let page = 0;
  let words = [];
  let texts = null;

  const raw = ({ values, names }, row) => (names ? names[values[row]] : values[row]);
  const text = (column, row) => {
    const found = raw(column, row);
    if (found === null) return "–";
    return column.digits === undefined ? found : found.toFixed(column.digits);
  };
  // Numbers that sort like the values of a column: texts are compared once, not in every sort.
  const ranks = (column) => {
    if (column.digits !== undefined) return Float64Array.from(column.values, (one) => one ?? NaN);
    const sorted = [...new Set(column.names ?? column.values)].sort(collator.compare);
    const places = new Map(sorted.map((name, place) => [name, place]));
    return Float64Array.from({ length: total }, (_, row) => places.get(raw(column, row)));
  };

  const field = make("input", { type: "search", placeholder: "Filter rows" });
  field.setAttribute("aria-label", "Filter rows: a row must contain every word");
  const status = make("output", {});
  const button = (textContent, action) => {
    const made = make("button", { type: "button", textContent });
    made.setAttribute("aria-label", `${textContent}: ${table.dataset.title}`);
    made.addEventListener("click", action);
    return made;
  };
  const earlier = button("Previous", () => turn(page - 1));
  const later = button("Next", () => turn(page + 1));

  function turn(to) {
    page = to;
    const rows = [...matching.subarray(page * size, (page + 1) * size)].map((row) => {
      const made = make("tr", {});
      made.append(...columns.map((column, place) => {
        const className = heads[place].dataset.cell ?? "";
        return make("td", { textContent: text(column, row), className });
      }));
      return made;
    });
    table.tBodies[0].replaceChildren(...rows);
    table.closest(".wide").scrollTop = 0;
    const first = page * size;
    earlier.disabled = page === 0;
    later.disabled = first + size >= matching.length;
    const span = rows.length ? `${first + 1} to ${first + rows.length} of ` : "";
    status.textContent = `${span}${matching.length} rows`;
    mark();
  }
  function match() {
    if (words.length) {
      texts ??= Array.from({ length: total }, (_, row) =>
        columns.map((column) => text(column, row)).join(" ").toLowerCase());
    }
    matching = order.filter((row) => words.every((word) => texts[row].includes(word)));
    turn(0);
  }
  const matchingCsv = () =>
    csvText([
      heads.map((head) => head.textContent),
      ...Array.from(matching, (row) => columns.map((column) => String(raw(column, row) ?? ""))),
    ]);

  sortedBy(heads, (place, rising) => {
    const rank = (columns[place].ranks ??= ranks(columns[place]));
    order.sort((a, b) => {
      // Cells without a value stay at the end in both directions.
      if (Number.isNaN(rank[a] + rank[b])) return Number.isNaN(rank[a]) - Number.isNaN(rank[b]);
      return rising ? rank[a] - rank[b] : rank[b] - rank[a];
    });
    match();
  });
  field.addEventListener("input", () => {
    words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    match();
  });
  const copied = async () => {
    const done = await copy(matchingCsv());
    status.textContent = done ? `Copied ${matching.length} rows` : "Copying was blocked by the browser";
  };
  const bar = make("div", { className: "tools" });
  bar.append(
    field,
    status,
    earlier,
    later,
    button("Copy CSV", copied),
    button("Download CSV", () => download(matchingCsv(), table.dataset.title)),
  );
  table.closest(".wide").before(bar);
  turn(0);
}

document.querySelectorAll("table[data-paged]").forEach(paged);
