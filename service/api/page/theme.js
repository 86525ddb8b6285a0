/** The switch between light and dark. Until it is used, the page looks like the system. */

const STORED = "seqserve.theme";
const isSystemDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : isSystemDark.matches;
}

/** Makes a switch of the button. */
export function makeThemeSwitch(button) {
  const show = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(STORED, theme);
    } catch {
      // Then it is forgotten with the tab.
    }
    show();
  });
  isSystemDark.addEventListener("change", show);
  show();
}
