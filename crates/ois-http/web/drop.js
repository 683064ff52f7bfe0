// Files dropped on an element: a veil says what will happen, then they are taken.

import { h, words } from './dom.js';

/** `words()` is the key (or key with values) on the veil, `take(files)` gets them, `when()` allows it. */
export function acceptDrops(element, { words: said, take, when = () => true }) {
  const veil = h('div', { class: 'drop-veil', hidden: true }, h('span', {}));
  element.append(veil);
  let inside = 0;
  const carries = (event) => when() && [...(event.dataTransfer?.types ?? [])].includes('Files');
  const leave = () => {
    inside = 0;
    veil.hidden = true;
  };
  element.addEventListener('dragenter', (event) => {
    if (!carries(event)) return;
    inside += 1;
    words(veil.firstChild, { text: said() });
    veil.hidden = false;
  });
  element.addEventListener('dragleave', () => {
    inside -= 1;
    if (inside <= 0) leave();
  });
  element.addEventListener('dragover', (event) => carries(event) && event.preventDefault());
  element.addEventListener('drop', (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    leave();
    take(filesOf(event.dataTransfer));
  });
}

/** The files of what was dropped; a folder is no file and is left out. */
function filesOf(transfer) {
  return [...transfer.items]
    .filter((item) => item.kind === 'file' && !item.webkitGetAsEntry?.()?.isDirectory)
    .map((item) => item.getAsFile())
    .filter(Boolean);
}
