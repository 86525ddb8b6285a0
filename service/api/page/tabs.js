/** Tabs by the ARIA pattern: arrows, Home and End move and choose; the address remembers which. */

const MOVES = { ArrowRight: 1, ArrowLeft: -1 };

/** Makes tabs of the list; the address's #name opens a tab, as its panel's `data-task`. */
export function makeTabs(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const seen = () => tabs.filter((tab) => !tab.hidden);

  function choose(tab) {
    for (const each of tabs) {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
      panelOf(each).hidden = each !== tab;
    }
  }

  function go(tab) {
    choose(tab);
    history.replaceState(null, "", `#${panelOf(tab).dataset.task}`);
  }

  function follow() {
    const named = seen().find((tab) => `#${panelOf(tab).dataset.task}` === location.hash);
    if (named) choose(named);
  }

  for (const tab of tabs) tab.addEventListener("click", () => go(tab));
  list.addEventListener("keydown", (event) => {
    const order = seen();
    const at = order.indexOf(document.activeElement);
    let next = null;
    if (event.key in MOVES) next = order[(at + MOVES[event.key] + order.length) % order.length];
    if (event.key === "Home") next = order[0];
    if (event.key === "End") next = order.at(-1);
    if (!next) return;
    event.preventDefault();
    go(next);
    next.focus();
  });
  addEventListener("hashchange", follow);
  follow();

  /** Shows the tabs of these tasks only. */
  return function keep(tasks) {
    for (const tab of tabs) tab.hidden = !tasks.includes(panelOf(tab).dataset.task);
    const chosen = tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
    if (chosen.hidden && seen().length > 0) choose(seen()[0]);
  };
}
