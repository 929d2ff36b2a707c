'use strict';
// What both pages use. Foreign text reaches the page through text nodes alone; the page's policy
// (trusted types) refuses any other way.
const data = JSON.parse(document.getElementById('data').textContent);
const main = document.getElementById('main');
const live = document.getElementById('live');
const SVG = 'http://www.w3.org/2000/svg';

function build(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}
const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => build(document.createElementNS(SVG, tag), attributes, children);

// Characters that steer how text is laid out are shown by their number instead of obeyed.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const shown = text =>
  text.replace(STEERING, c => '⟨U+' + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0') + '⟩');
const name = text => h('bdi', {}, shown(text));
// Long names without spaces, as of policies, may break behind their signs.
const breakable = text =>
  h(
    'bdi',
    {},
    shown(text)
      .split(/(?<=[:,=])/)
      .map((part, i) => [i > 0 && h('wbr', {}), part]),
  );

// Numbers, each with its unit.
const MIB = 1048576;
const whole = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});
const number = (value, digits = 0) =>
  new Intl.NumberFormat('en-US', {minimumFractionDigits: digits, maximumFractionDigits: digits}).format(value);
const count = value => whole.format(value);
const plural = (n, thing) => `${count(n)} ${thing}${n === 1 ? '' : 's'}`;
const minus = text => text.replace('-', '−');
// MiB, as Spark takes sizes and explanations give them; GiB where MiB are hard to read.
const HARD = 10240;
const inMiB = mib => count(Math.ceil(mib)) + '\u00a0MiB';
const inGiB = mib => number(mib / 1024, 1) + '\u00a0GiB';
const amount = mib => (mib < HARD ? inMiB(mib) : inGiB(mib));
const memory = bytes => (bytes === null ? '–' : amount(bytes / MIB));
const exact = bytes => (bytes === null ? 'unknown' : `${inMiB(bytes / MIB)}, ${count(bytes)} bytes`);
function significant(value) {
  const size = Math.abs(value);
  if (size < 1e-9) return '0'; // what is left of a difference
  if (size < 0.0005) return value > 0 ? '<\u00a00.001' : '>\u00a0−0.001';
  return minus(number(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3));
}
const short = value => minus(new Intl.NumberFormat('en-US', {maximumSignificantDigits: 3}).format(value));
const gibHours = value => significant(value) + '\u00a0GiB·h';
// Whole percents, as the command line prints them. Next to nothing and nearly all are not rounded away.
const percent = share => {
  const value = share * 100;
  if (value > 0 && value < 0.5) return '<\u00a01\u00a0%';
  if (value > 99 && value < 100) return number(Math.floor(value * 10) / 10, 1) + '\u00a0%';
  return minus(number(value)) + '\u00a0%';
};
const signed = share =>
  Math.abs(share) < 0.005 ? '0\u00a0%' : (share > 0 ? '+' : '−') + number(Math.abs(share) * 100) + '\u00a0%';
// A number that is shown in several places; a test compares the texts of all places with one id.
const quantity = (id, ...shown) => h('span', {'data-quantity': id}, shown);
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = n => String(n).padStart(2, '0');
const day = seconds => {
  const d = new Date(seconds * 1000);
  return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`;
};
const clock = (seconds, fine) => {
  const d = new Date(seconds * 1000);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${fine ? ':' + two(d.getUTCSeconds()) : ''}`;
};
const moment = (seconds, fine) =>
  `${day(seconds)} ${new Date(seconds * 1000).getUTCFullYear()}, ${clock(seconds, fine)} UTC`;
const between = (from, to) =>
  day(from) === day(to) && to - from < 86400
    ? `on ${day(from)} ${new Date(from * 1000).getUTCFullYear()} from ${clock(from)} to ${clock(to)} UTC`
    : `from ${moment(from)} to ${moment(to)}`;
const sentence = text => text.charAt(0).toUpperCase() + text.slice(1);
function length(seconds) {
  const units = [
    [604800, 'week'],
    [86400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ];
  const [size, unit] = units.find(([size]) => seconds >= size && seconds % size === 0) || units[4];
  return seconds === size ? `one ${unit}` : plural(seconds / size, unit);
}

const panel = (title, sub, ...children) =>
  h('section', {class: 'panel'}, h('h2', {}, title), sub && h('p', {class: 'sub'}, sub), children);
const card = (label, value, unit, more, kind) =>
  h(
    'div',
    {class: 'card ' + (kind || '')},
    h('div', {class: 'label'}, label),
    h('div', {class: 'value'}, value, unit && [' ', h('span', {class: 'unit'}, unit)]),
    h('div', {class: 'more'}, more),
  );

// What may be wider than its place is scrolled there, by keyboard too.
const scroller = (label, table) => h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label}, table);

// A table whose columns can be sorted by: {title, get, show, left, class, first: 'descending'}. With `stack` each row
// is a small table of its own on narrow screens, so that nothing is hidden; roles then still tell what is what.
function sortable(columns, rows, options) {
  const role = options.stack ? name => name : () => null;
  const state = {by: options.by || 0, down: options.down || false, rows: []};
  const body = h('tbody', {role: role('rowgroup')});
  const heads = columns.map((column, i) =>
    h(
      'th',
      {
        scope: 'col',
        role: role('columnheader'),
        class: (column.left ? 'left ' : '') + (column.class || ''),
        title: column.help,
      },
      column.get
        ? h(
            'button',
            {
              type: 'button',
              onclick: () => sortBy(i, state.by === i ? !state.down : column.first === 'descending'),
            },
            column.head || column.title,
          )
        : column.title,
    ),
  );
  function sortBy(i, down) {
    state.by = i;
    state.down = down;
    order();
    live.textContent = `sorted by ${columns[i].title}, ${down ? 'descending' : 'ascending'}`;
  }
  function order() {
    const get = columns[state.by].get;
    const sign = state.down ? -1 : 1;
    state.rows = rows()
      .map((row, i) => [get(row), i, row])
      .sort(([a, i], [b, j]) => {
        if (a === null || b === null) return a === b ? i - j : a === null ? 1 : -1;
        return a < b ? -sign : a > b ? sign : i - j;
      })
      .map(([, , row]) => row);
    heads.forEach((head, i) => {
      if (i === state.by) head.setAttribute('aria-sort', state.down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    (options.render || (() => body.replaceChildren(...state.rows.slice(0, options.most).map(line))))();
  }
  function line(row) {
    const tr = h(
      'tr',
      {role: role('row')},
      columns.map((column, i) =>
        h(
          i === 0 ? 'th' : 'td',
          {
            scope: i === 0 ? 'row' : null,
            role: role(i === 0 ? 'rowheader' : 'cell'),
            class: (column.left ? 'left ' : 'number ') + (column.class || ''),
            'data-label': options.stack && i > 0 ? column.title : null,
          },
          options.stack ? h('span', {}, column.show(row)) : column.show(row),
        ),
      ),
    );
    if (options.open)
      tr.addEventListener('click', event => {
        if (!event.target.closest('a') && !String(getSelection())) options.open(row);
      });
    return tr;
  }
  const table = h(
    'table',
    {class: options.stack ? 'stack' : null, role: role('table')},
    h('caption', {class: 'sr'}, options.caption),
    h('thead', {role: role('rowgroup')}, h('tr', {role: role('row')}, heads)),
    body,
  );
  return {table, order, sortBy, line, body, state};
}

// The same data as a table, made when it is asked for.
function asTable(caption, titles, rows) {
  const details = h('details', {class: 'data'}, h('summary', {}, 'The same as a table'));
  details.addEventListener('toggle', () => {
    if (!details.open || details.children.length > 1) return;
    details.append(
      scroller(
        caption,
        h(
          'table',
          {},
          h('caption', {class: 'sr'}, caption),
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              titles.map(title => h('th', {scope: 'col'}, title)),
            ),
          ),
          h(
            'tbody',
            {},
            rows().map(row =>
              h(
                'tr',
                {},
                row.map((cell, i) => h(i === 0 ? 'th' : 'td', {class: 'number', scope: i === 0 ? 'row' : null}, cell)),
              ),
            ),
          ),
        ),
      ),
    );
  });
  return details;
}

// A chart is drawn at the width that it has, and again when that changes. `draw(width)` gives
// {svg, stops, tip, note}: the places at which there is something to read, and what; what the axes are.
const watched = new ResizeObserver(entries => {
  for (const entry of entries) entry.target.redraw();
});
function chart(label, draw) {
  const box = h('div', {class: 'chart'});
  let drawn = 0;
  box.redraw = () => {
    const width = Math.round(box.clientWidth);
    if (width === 0 || width === drawn) return;
    drawn = width;
    const {svg, stops, tip, note} = draw(width);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', label);
    box.replaceChildren(svg, ...(note ? [h('p', {class: 'axes'}, note)] : []));
    if (stops && stops.length > 0) readable(box, svg, stops, tip);
  };
  watched.observe(box);
  return box;
}
function readable(box, svg, stops, tip) {
  const view = svg.viewBox.baseVal;
  const guide = s('line', {class: 'guide', y1: 0, y2: view.height});
  const bubble = h('div', {class: 'tip'});
  svg.append(guide);
  box.append(bubble);
  svg.setAttribute('tabindex', 0);
  let at = -1;
  function show(index, speak) {
    at = Math.max(0, Math.min(stops.length - 1, index));
    const stop = stops[at];
    const lines = tip(stop.value);
    guide.setAttribute('x1', stop.x);
    guide.setAttribute('x2', stop.x);
    guide.style.visibility = bubble.style.visibility = 'visible';
    bubble.replaceChildren(...lines.map((text, i) => h('div', {}, i === 0 ? h('b', {}, text) : text)));
    const scale = box.clientWidth / view.width;
    const x = stop.x * scale;
    bubble.style.left =
      Math.max(
        0,
        Math.min(
          box.clientWidth - bubble.offsetWidth,
          x + 12 + bubble.offsetWidth > box.clientWidth ? x - bubble.offsetWidth - 12 : x + 12,
        ),
      ) + 'px';
    if (stop.y !== undefined) bubble.style.top = Math.max(0, stop.y * scale - bubble.offsetHeight - 10) + 'px';
    if (speak) live.textContent = lines.map(line => (typeof line === 'string' ? line : line.textContent)).join(', ');
  }
  const hide = () => {
    guide.style.visibility = bubble.style.visibility = 'hidden';
  };
  const point = event => {
    const area = svg.getBoundingClientRect();
    const x = ((event.clientX - area.left) / area.width) * view.width;
    const y = ((event.clientY - area.top) / area.height) * view.height;
    let nearest = 0;
    const far = stop => Math.abs(stop.x - x) + (stop.y === undefined ? 0 : Math.abs(stop.y - y));
    for (let i = 1; i < stops.length; ++i) if (far(stops[i]) < far(stops[nearest])) nearest = i;
    show(nearest, false);
  };
  svg.addEventListener('pointermove', point);
  svg.addEventListener('pointerdown', point); // a finger that taps does not move
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('blur', hide);
  svg.addEventListener('focus', () => {
    if (svg.matches(':focus-visible')) show(Math.max(0, at), true);
  });
  svg.addEventListener('keydown', event => {
    const moves = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: stops.length - 1,
      PageDown: at + 20,
      PageUp: at - 20,
    };
    if (event.key === 'Escape') hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    show(moves[event.key], true);
  });
}

const frame = (width, height, ...children) => s('svg', {viewBox: `0 0 ${width} ${height}`}, children);
const words = (x, y, text, anchor, kind) => s('text', {x, y, 'text-anchor': anchor, class: kind}, text);

// How wide text of a chart is.
const pencil = document.createElement('canvas').getContext('2d');
function measure(text, strong) {
  pencil.font = `${strong ? 550 : 400} 12px ${getComputedStyle(document.body).fontFamily}`;
  return pencil.measureText(text).width;
}
// Room for the marks of an upright axis.
const roomFor = texts => Math.ceil(Math.max(...texts.map(text => measure(text)))) + 12;
// Marks below an axis, [x, text]: within the frame, and none that would touch the one before.
function below(svg, width, y, list) {
  let taken = -Infinity;
  for (const [x, text] of list) {
    const half = measure(text) / 2;
    const at = Math.min(Math.max(x, half), width - half);
    if (at - half < taken + 8) continue;
    taken = at + half;
    svg.append(words(at, y, text, 'middle'));
  }
}

// Marks of an axis from 0 to at least `most`, in steps that people count in.
function marks(most, wanted, binary) {
  if (!(most > 0)) return [0, 1];
  let step;
  if (binary) {
    step = 1;
    while (most / step > wanted) step *= 2;
  } else {
    const power = 10 ** Math.floor(Math.log10(most / wanted));
    step = [1, 2, 5, 10].map(n => n * power).find(n => most / n <= wanted);
  }
  const list = [];
  for (let value = 0; ; value += step) {
    list.push(value);
    if (value >= most) return list;
  }
}
const memoryMark = (mib, top) =>
  top >= HARD ? number(mib / 1024, mib % 1024 ? 1 : 0) + '\u00a0GiB' : count(mib) + '\u00a0MiB';

// Dark or light: the system's choice until somebody makes another.
const theme = document.getElementById('theme');
const systemDark = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (document.documentElement.dataset.theme || (systemDark.matches ? 'dark' : 'light')) === 'dark';
function nameTheme() {
  theme.textContent = isDark() ? 'Light' : 'Dark';
  theme.setAttribute('aria-label', `switch to ${isDark() ? 'light' : 'dark'} colours`);
}
theme.addEventListener('click', () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  try {
    localStorage.setItem('sparkfit-theme', document.documentElement.dataset.theme);
  } catch {
    /* a page opened from a file may not */
  }
  nameTheme();
});
try {
  const kept = localStorage.getItem('sparkfit-theme');
  if (kept === 'dark' || kept === 'light') document.documentElement.dataset.theme = kept;
} catch {
  /* likewise */
}
systemDark.addEventListener('change', nameTheme);
nameTheme();
document.getElementById('skip').addEventListener('click', event => {
  event.preventDefault();
  main.focus();
});

const ending = notes =>
  h(
    'footer',
    {class: 'end'},
    notes.map(note => h('p', {}, note)),
    h('p', {}, `Made by sparkfit ${data.meta.version}. This page holds all of its data and asks nobody for anything.`),
  );
