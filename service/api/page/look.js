// Before the first paint: the theme that was chosen here before, so that the other one does not flash.
"use strict";

try {
  const theme = localStorage.getItem("seqserve.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; then the system's theme it is.
}
