// What every module of a page builds its elements with.
import { h, render } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export const html = htm.bind(h);
export { render };
export { useEffect, useMemo, useRef, useState, useCallback } from "./vendor/preact-hooks.js";
