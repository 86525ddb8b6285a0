/** Tabs after the ARIA pattern: arrow keys, Home and End select a tab; the address stores the selection. */

const MOVES = { ArrowRight: 1, ArrowLeft: -1 };

/**
 * Turns a tab list into tabs. The address's #fragment selects the tab whose panel has it as `data-task`.
 *
 * `onSelect` is called with the panel of a tab that the reader or the address selects. Returns a
 * function that shows only the tabs of the given tasks.
 */
export function makeTabs(list, onSelect) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const visible = () => tabs.filter((tab) => !tab.hidden);

  function select(tab) {
    for (const each of tabs) {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
      panelOf(each).hidden = each !== tab;
    }
    onSelect(panelOf(tab));
  }

  function navigate(tab) {
    history.replaceState(null, "", `#${panelOf(tab).dataset.task}`);
    select(tab);
  }

  function followAddress() {
    const named = visible().find((tab) => `#${panelOf(tab).dataset.task}` === location.hash);
    if (named) select(named);
  }

  for (const tab of tabs) tab.addEventListener("click", () => navigate(tab));
  list.addEventListener("keydown", (event) => {
    const order = visible();
    const at = order.indexOf(document.activeElement);
    let next = null;
    if (event.key in MOVES) next = order[(at + MOVES[event.key] + order.length) % order.length];
    if (event.key === "Home") next = order[0];
    if (event.key === "End") next = order.at(-1);
    if (!next) return;
    event.preventDefault();
    navigate(next);
    next.focus();
  });
  addEventListener("hashchange", followAddress);
  followAddress();

  return function show(tasks) {
    for (const tab of tabs) tab.hidden = !tasks.includes(panelOf(tab).dataset.task);
    const selected = () => tabs.find((tab) => tab.getAttribute("aria-selected") === "true");
    if (selected().hidden && visible().length > 0) select(visible()[0]);
    else onSelect(panelOf(selected()));
  };
}
