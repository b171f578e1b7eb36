// The state of a page, all of it, behind the # of its address: #run=ab12&tab=pictures.

export function readState() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

// Writes the state; what is empty is left out. `isStep` makes it a step that the browser's back button undoes.
export function writeState(state, isStep = false) {
  const kept = Object.entries(state).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const hash = "#" + new URLSearchParams(kept);
  if (hash === location.hash || (hash === "#" && !location.hash)) return;
  history[isStep ? "pushState" : "replaceState"](null, "", hash);
}
