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

// Numbers, each with its unit.
const MIB = 1048576;
const whole = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});
const number = (value, digits = 0) =>
  new Intl.NumberFormat('en-US', {minimumFractionDigits: digits, maximumFractionDigits: digits}).format(value);
const count = value => whole.format(value);
const plural = (n, thing) => `${count(n)} ${thing}${n === 1 ? '' : 's'}`;
const minus = text => text.replace('-', '−');
// MiB, as Spark takes sizes and explanations give them.
function amount(mib) {
  return mib < 1e6 ? count(Math.ceil(mib)) + '\u00a0MiB' : number(mib / 1024, 1) + '\u00a0GiB';
}
const memory = bytes => (bytes === null ? '–' : amount(bytes / MIB));
const exact = bytes => (bytes === null ? 'unknown' : `${count(bytes)} bytes`);
function significant(value) {
  const size = Math.abs(value);
  if (size < 0.0005) return '0';
  return minus(number(value, size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3));
}
const short = value => minus(new Intl.NumberFormat('en-US', {maximumSignificantDigits: 3}).format(value));
const percent = share => {
  const value = share * 100;
  const digits = (value !== 0 && Math.abs(value) < 10) || (value > 99 && value < 100) ? 1 : 0;
  return minus(number(value, digits)) + '\u00a0%';
};
const signed = share =>
  Math.abs(share) < 0.005 ? '0 %' : (share > 0 ? '+' : '−') + number(Math.abs(share) * 100) + '\u00a0%';
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
    h('div', {class: 'value'}, value, unit && h('span', {class: 'unit'}, ' ' + unit)),
    h('div', {class: 'more'}, more),
  );

// A table whose columns can be sorted by: {title, get, show, left, class, first: 'descending'}.
function sortable(columns, rows, options) {
  const state = {by: options.by || 0, down: options.down || false, rows: []};
  const body = h('tbody', {});
  const heads = columns.map((column, i) =>
    h(
      'th',
      {scope: 'col', class: (column.left ? 'left ' : '') + (column.class || ''), title: column.help},
      column.get
        ? h(
            'button',
            {
              type: 'button',
              onclick: () => {
                if (state.by === i) state.down = !state.down;
                else {
                  state.by = i;
                  state.down = column.first === 'descending';
                }
                order();
                live.textContent = `sorted by ${column.title}, ${state.down ? 'descending' : 'ascending'}`;
              },
            },
            column.title,
          )
        : column.title,
    ),
  );
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
      {},
      columns.map((column, i) =>
        h(
          i === 0 && !options.link ? 'th' : 'td',
          {
            scope: i === 0 && !options.link ? 'row' : null,
            class: (column.left ? 'left ' : 'number ') + (column.class || ''),
          },
          column.show(row),
        ),
      ),
    );
    if (options.open)
      tr.addEventListener('click', event => {
        if (!event.target.closest('a') && !String(getSelection())) options.open(row);
      });
    return tr;
  }
  const table = h('table', {}, h('caption', {class: 'sr'}, options.caption), h('thead', {}, h('tr', {}, heads)), body);
  return {table, order, line, body, state};
}

// The same data as a table, made when it is asked for.
function asTable(caption, titles, rows) {
  const details = h('details', {class: 'data'}, h('summary', {}, 'The same as a table'));
  details.addEventListener('toggle', () => {
    if (!details.open || details.children.length > 1) return;
    details.append(
      h(
        'div',
        {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption},
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
                row.map(cell => h('td', {class: 'number'}, cell)),
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
// {svg, stops, tip}: the places at which there is something to read, and what.
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
    const {svg, stops, tip} = draw(width);
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', label);
    box.replaceChildren(svg);
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
  svg.addEventListener('pointermove', event => {
    const area = svg.getBoundingClientRect();
    const x = ((event.clientX - area.left) / area.width) * view.width;
    const y = ((event.clientY - area.top) / area.height) * view.height;
    let nearest = 0;
    const far = stop => Math.abs(stop.x - x) + (stop.y === undefined ? 0 : Math.abs(stop.y - y));
    for (let i = 1; i < stops.length; ++i) if (far(stops[i]) < far(stops[nearest])) nearest = i;
    show(nearest, false);
  });
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
const memoryMark = (mib, top) => (top >= 4096 ? number(mib / 1024, mib % 1024 ? 1 : 0) + ' GiB' : count(mib) + ' MiB');

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
