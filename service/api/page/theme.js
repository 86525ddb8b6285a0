/** The switch between light and dark. Until it is used, the page follows the system. */

const STORED = "seqserve.theme";
const isSystemDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const selected = document.documentElement.dataset.theme;
  return selected ? selected === "dark" : isSystemDark.matches;
}

/** Turns a button into the switch. */
export function makeThemeSwitch(button) {
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(STORED, theme);
    } catch {
      // The selection then lasts as long as the tab.
    }
    show();
  });
  isSystemDark.addEventListener("change", show);
  show();
}
