// The pictures of the page: outlines on a grid of 20, drawn in the colour of the text.

const SHAPES = {
  chat: 'M4 4.5h12a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5H9l-4 3v-3H4A1.5 1.5 0 0 1 2.5 13V6A1.5 1.5 0 0 1 4 4.5Z',
  folder: 'M2.5 6A1.5 1.5 0 0 1 4 4.5h3.6l1.9 2H16A1.5 1.5 0 0 1 17.5 8v6.5A1.5 1.5 0 0 1 16 16H4a1.5 1.5 0 0 1-1.5-1.5Z',
  team: 'M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.5c0-3 2.4-4.5 5.5-4.5s5.5 1.5 5.5 4.5M13 3.8a3 3 0 0 1 0 5.4M15 12.3c1.9.6 3 2 3 4.2',
  file: 'M5.5 2.5h6l4 4v10a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1ZM11.5 2.5v4h4',
  image: 'M4 3.5h12A1.5 1.5 0 0 1 17.5 5v10a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 15V5A1.5 1.5 0 0 1 4 3.5ZM3 14l4-4 3.5 3.5L13 11l4 4M12.8 8.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4Z',
  hash: 'M7.5 3 6 17M14 3l-1.500 14M3.500 7.500h13.500M3 12.500h13.500',
  about: 'M10 17.500a7.500 7.500 0 1 0 0-15 7.500 7.500 0 0 0 0 15ZM10 9.200v4.600M10 6.300v.2',
  close: 'M5 5l10 10M15 5 5 15',
  back: 'M12 4.500 6.500 10l5.500 5.500',
  next: 'M8 4.500 13.500 10 8 15.500',
  down: 'M10 4v12M5 11l5 5 5-5',
  send: 'M3.500 10 16.500 3.500 13 16.500l-3.500-4.500ZM9.500 12l7-8.500',
  clip: 'M14.500 9 9.200 14.300a2.600 2.600 0 0 1-3.700-3.700l6-6a3.800 3.800 0 0 1 5.400 5.400l-6.200 6.200',
  reply: 'M8 4.500 3.500 9 8 13.500M3.500 9H11c3.500 0 5.500 2 5.500 6',
  copy: 'M7.500 7.500h8a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1h-8a1 1 0 0 1-1-1v-8a1 1 0 0 1 1-1ZM13.500 7.500v-4a1 1 0 0 0-1-1h-8a1 1 0 0 0-1 1v8a1 1 0 0 0 1 1h2',
  at: 'M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM13 7v3.800a2 2 0 0 0 4 .2V10a7 7 0 1 0-3 5.700',
  out: 'M8 3.500H5A1.500 1.500 0 0 0 3.500 5v10A1.500 1.500 0 0 0 5 16.500h3M12.500 6 16.500 10l-4 4M16 10H8',
  plusFolder: 'M2.500 6A1.500 1.500 0 0 1 4 4.500h3.600l1.900 2H16A1.500 1.500 0 0 1 17.500 8v6.500A1.500 1.500 0 0 1 16 16H4a1.500 1.500 0 0 1-1.500-1.500ZM10 9v4.500M7.750 11.250h4.500',
  plusFile: 'M5.500 2.500h6l4 4v10a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1ZM10 8.500V14M7.250 11.250h5.500',
  upload: 'M10 13V4M6 7.500 10 3.500l4 4M3.500 13v2.500a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1V13',
  download: 'M10 3.500v9M6 9l4 4 4-4M3.500 13v2.500a1 1 0 0 0 1 1h11a1 1 0 0 0 1-1V13',
  pen: 'M4 16l.700-3.500L13.500 3.700a1.400 1.400 0 0 1 2 0l.800.800a1.400 1.400 0 0 1 0 2L7.500 15.300ZM12 5.300l2.700 2.700',
  bin: 'M3.500 5.500h13M8 5.500v-2h4v2M5.500 5.500l.700 10.500a1 1 0 0 0 1 1h5.600a1 1 0 0 0 1-1l.700-10.500M8.500 8.500v5.500M11.500 8.500v5.500',
  up: 'M10 16V4.500M5 9l5-5 5 5',
  warn: 'M10 3.2 17.6 16.500H2.4ZM10 8.200v4M10 14.300v.1',
  pulse: 'M2.500 10h3.500l2-5.500 4 11 2-5.500h3.500',
  more: 'M4.500 10v.01M10 10v.01M15.500 10v.01',
};

const SVG = 'http://www.w3.org/2000/svg';

/** A picture by name; it says nothing to a screen reader. */
export function icon(name, size = 20) {
  const svg = frame(size);
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', SHAPES[name]);
  path.setAttribute('class', 'stroke');
  svg.append(path);
  return svg;
}

const DOTS = {
  online: [['circle', { cx: 5, cy: 5, r: 4.5, class: 'filled' }]],
  busy: [['circle', { cx: 5, cy: 5, r: 4, class: 'ring' }], ['path', { d: 'M5 1a4 4 0 0 1 0 8Z', class: 'filled' }]],
  deaf: [['circle', { cx: 5, cy: 5, r: 4, class: 'ring dashed' }]],
  offline: [['circle', { cx: 5, cy: 5, r: 4, class: 'ring' }]],
};

/** The sign of a presence: ● ◐ ◌ ○, told apart by shape as well as by colour. */
export function dot(state) {
  const svg = frame(10);
  svg.setAttribute('viewBox', '0 0 10 10');
  svg.setAttribute('class', `dot dot-${state}`);
  for (const [tag, attributes] of DOTS[state] ?? DOTS.offline) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}

function frame(size) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('width', size);
  svg.setAttribute('height', size);
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  return svg;
}
