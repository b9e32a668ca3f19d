// Before the first paint: the theme that was chosen, so that nothing flashes.
try {
  const chosen = localStorage.getItem("claims_sim.theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch { /* no storage: the system's theme */ }
