"use strict";
// Sort, filter and export tables; every table is complete and readable without this script.
const value = (cell) => cell.dataset.value ?? cell.textContent.trim().replace(/\s+/g, " ");
const key = (row, column) => {
  const text = value(row.cells[column]);
  return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
};
const collator = new Intl.Collator(undefined, { numeric: true });
const compare = (a, b) => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(a, b);
};
const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

// Make each head a button that calls `sort(place, rising)` and says which column is sorted.
function sortedBy(heads, sort) {
  heads.forEach((head, place) => {
    const button = make("button", { type: "button", textContent: head.textContent });
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      sort(place, rising);
    });
  });
}

function sortable(table) {
  sortedBy([...table.tHead.rows[0].cells], (column, rising) => {
    // Each key is read once: a table may have ten thousand rows.
    const keyed = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
    keyed.sort(([x], [y]) => {
      // Cells without a value stay at the end in both directions.
      if (x === "" || y === "") return (x === "") - (y === "");
      return rising ? compare(x, y) : compare(y, x);
    });
    // Empty it first: rows that leave one by one, in another order, each cost a look at all.
    table.tBodies[0].replaceChildren();
    table.tBodies[0].append(...keyed.map(([, row]) => row));
  });
}

function csvText(rows) {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => row.map(quoted).join(",") + "\n").join("");
}

function csv(table) {
  const rows = [table.tHead.rows[0], ...table.tBodies[0].rows].filter((row) => !row.hidden);
  return csvText(rows.map((row) => [...row.cells].map(value)));
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages opened from a file may have no clipboard; the old command still works for them.
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  make("a", { href: address, download: `${name}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function tools(table) {
  const bar = make("div", { className: "tools" });
  const status = make("output", {});
  const rows = [...table.tBodies[0].rows];
  const count = () => `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  if ("filter" in table.dataset) {
    const field = make("input", { type: "search", placeholder: "Filter rows" });
    field.setAttribute("aria-label", "Filter rows: a row must contain every word");
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      status.textContent = count();
    });
    bar.append(field);
  }
  const button = (textContent, action) => {
    const made = make("button", { type: "button", textContent });
    made.setAttribute("aria-label", `${textContent}: ${table.dataset.name}`);
    made.addEventListener("click", action);
    return made;
  };
  const copied = async () => {
    status.textContent = (await copy(csv(table))) ? `Copied ${count()}` : "Copying was blocked by the browser";
  };
  bar.append(
    status,
    button("Copy CSV", copied),
    button("Download CSV", () => download(csv(table), table.dataset.name)),
  );
  table.closest(".wide").before(bar);
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll("table[data-name]").forEach(tools);
// Parts that are wider than the screen say so, also after the screen was turned.
const scrollers = [...document.querySelectorAll(".wide, .plot.broad, .map > div")];
const mark = () => {
  const wider = scrollers.map((part) => part.scrollWidth > part.clientWidth + 1);
  scrollers.forEach((part, place) => part.classList.toggle("scrolls", wider[place]));
};
mark();
for (const event of ["resize", "change", "input"]) addEventListener(event, mark);

let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const part of closed) part.open = true;
});
addEventListener("afterprint", () => {
  for (const part of closed) part.open = false;
});
