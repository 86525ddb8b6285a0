// Runs before the first paint: applies the stored theme, so that the other one does not flash.
"use strict";

try {
  const theme = localStorage.getItem("seqserve.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be blocked; the theme of the system then applies.
}
