// Paths of shared files and the addresses of the page's views. Pure.

/** The folder and name of a path: `docs/a.md` → `{folder: 'docs', name: 'a.md'}`. */
export function split(path) {
  const at = path.lastIndexOf('/');
  return { folder: at < 0 ? '' : path.slice(0, at), name: path.slice(at + 1) };
}

/** `docs` and `a.md` → `docs/a.md`. */
export const join = (folder, name) => (folder ? `${folder}/${name}` : name);

/** The way to a folder: `[{name, path}]`, without the root. */
export function crumbs(path) {
  const names = path.split('/').filter(Boolean);
  return names.map((name, i) => ({ name, path: names.slice(0, i + 1).join('/') }));
}

/** Whether `name` may name a file or folder. */
export const goodName = (name) => name.trim() !== '' && name === name.trim() && !name.startsWith('.') && !/[/\\\u0000-\u001F\u007F]/u.test(name);

/** Folders before files, then by name as people count (`2` before `10`). */
export const inOrder = (items) => [...items].sort((a, b) => Number(Boolean(b.isDir)) - Number(Boolean(a.isDir)) || a.name.localeCompare(b.name, undefined, { numeric: true }));

/** The kind of a file by its name: `image`, `text`, `markdown` or `other`. */
export function kindOf(name) {
  const end = name.toLowerCase().split('.').at(-1);
  if (/^(png|jpe?g|gif|webp|avif|bmp)$/u.test(end)) return 'image';
  if (/^(md|markdown)$/u.test(end)) return 'markdown';
  if (/^(pdf|zip|gz|xz|zst|tar|7z|mp[34]|mov|webm|ogg|wav|docx?|xlsx?|pptx?|exe|bin|so|woff2?|ttf|sqlite|db|svg|heic)$/u.test(end)) return 'other';
  return 'text';
}

const encoded = (path) => path.split('/').map(encodeURIComponent).join('/');

/** The address of a view: `#/chat`, `#/chat/message/7`, `#/files/docs`, `#/edit/docs/a.md`, `#/team`. */
export function address(route) {
  if (route.view === 'files') return `#/${route.open ? 'edit' : 'files'}${route.path ? `/${encoded(route.path)}` : ''}`;
  const about = route.about;
  if (route.view === 'team') return '#/team';
  return about ? `#/chat/${about.kind}${about.of === undefined ? '' : `/${encodeURIComponent(about.of)}`}` : '#/chat';
}

/** The route of an address; the chat for anything unknown. */
export function routeOf(hash) {
  let parts;
  try {
    parts = hash.replace(/^#\/?/u, '').split('/').map(decodeURIComponent);
  } catch {
    parts = [];
  }
  const [view, ...rest] = parts;
  const path = rest.filter((part) => part && part !== '.' && part !== '..').join('/');
  if (view === 'files') return { view: 'files', path, open: false, about: null };
  if (view === 'edit' && path) return { view: 'files', path, open: true, about: null };
  if (view === 'team') return { view: 'team', path: '', about: null };
  return { view: 'chat', path: '', about: aboutOf(rest) };
}

function aboutOf([kind, of]) {
  if (kind === 'room' || kind === 'work') return { kind };
  if (kind === 'member' && of) return { kind, of };
  if (kind === 'message' && /^\d+$/u.test(of ?? '')) return { kind, of: Number(of) };
  return null;
}
