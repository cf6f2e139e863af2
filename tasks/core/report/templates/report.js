"use strict";
for (const table of document.querySelectorAll("table.arms")) {
  const body = table.tBodies[0], rows = [...body.rows], tools = document.getElementById("arm-tools");
  const [search, maker, learner, all, metrics] = tools.querySelectorAll("input[type=search], select, button");
  const count = tools.querySelector("output"), first = 10;
  let showsAll = false;
  // What ships stays on top whatever is sorted; without a filter the first ten others follow.
  const show = () => {
    const words = search.value.trim().toLowerCase(), isFiltered = Boolean(words || maker.value || learner.value);
    let shown = 0, fitting = 0;
    for (const row of body.rows) {
      const fits = (!words || row.textContent.toLowerCase().includes(words)) &&
        (!maker.value || row.dataset.maker === maker.value) && (!learner.value || row.dataset.learner === learner.value);
      const isPinned = row.classList.contains("chosen");
      fitting += fits || isPinned;
      row.hidden = !(isPinned || (fits && (showsAll || isFiltered || shown < first)));
      row.classList.toggle("more", !isPinned && shown >= first);
      shown += !row.hidden && !isPinned;
    }
    const visible = rows.filter((row) => !row.hidden).length;
    count.textContent = `${visible} of ${isFiltered ? fitting : rows.length} shown`;
    all.textContent = showsAll ? "Show the first ten" : `Show all ${rows.length}`;
    all.hidden = isFiltered || rows.length <= first + 1;
  };
  const sort = (head) => {
    const place = head.cellIndex, sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    const value = (row) => row.cells[place].dataset.value ?? row.cells[place].textContent.trim();
    const isNumber = rows.every((row) => value(row) === "" || Number.isFinite(Number(value(row))));
    const order = (a, b) => {
      const pinned = b.classList.contains("chosen") - a.classList.contains("chosen"), [x, y] = [value(a), value(b)];
      if (pinned || x === y) return pinned;
      if (x === "" || y === "") return x === "" ? 1 : -1;
      return sign * (isNumber ? Number(x) - Number(y) : x.localeCompare(y));
    };
    rows.sort(order).forEach((row) => body.append(row));
    show();
  };
  for (const head of table.tHead.rows[0].cells) head.querySelector("button").addEventListener("click", () => sort(head));
  for (const control of [search, maker, learner]) control.addEventListener("input", show);
  all.addEventListener("click", () => { showsAll = !showsAll; show(); });
  metrics?.addEventListener("click", () => metrics.setAttribute("aria-pressed", String(table.classList.toggle("all-metrics"))));
  tools.hidden = false;
  show();
}
