# SPDX-License-Identifier: Apache-2.0
"""Kinds of faults that any page can have, looked for in whatever a tab shows."""

NARROW = 560  # as in style.css

# What is outside of the window or cut off by its container, but for what is meant to be.
CUT_OFF = """(() => {
  const bad = new Set();
  const name = e => `${e.tagName}.${e.getAttribute('class')}: ${e.textContent.slice(0, 30)}`;
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('.sr, .skip, .tip, .cut-off, option, script, style') || !e.getClientRects().length) continue;
    const box = e.getBoundingClientRect();
    const scrolls = e.closest('.scroll');
    if (!scrolls && (box.right > innerWidth + 1 || box.left < -1)) bad.add('outside: ' + name(e));
    if (innerWidth <= %d && e.matches('.scroll') && !e.closest('details') && e.scrollWidth > e.clientWidth + 1) bad.add('scrolls: ' + name(e));
    const panel = e.closest('.panel, .card');
    for (const text of panel && !scrolls && !(e instanceof SVGElement) ? e.childNodes : []) {
      if (text.nodeType !== 3) continue;
      const range = document.createRange();
      range.selectNodeContents(text);
      if (range.getBoundingClientRect().right > panel.getBoundingClientRect().right + 1) bad.add('beyond its panel: ' + name(e));
    }
  }
  return [...bad].slice(0, 8);
})()""" % NARROW

# Texts of charts that touch each other or leave the frame; labels that are not at their dots.
CHARTS = """(() => {
  const bad = [];
  for (const svg of document.querySelectorAll('.chart svg')) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map(e => [e, e.getBoundingClientRect()]);
    texts.forEach(([e, a], i) => {
      if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 3 || a.bottom > frame.bottom + 3) bad.push('outside: ' + e.textContent);
      for (const [f, b] of texts.slice(i + 1))
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top + 3 < b.bottom - 3 && b.top + 3 < a.bottom - 3) bad.push(`touch: ${e.textContent} | ${f.textContent}`);
      if (!('x' in e.dataset)) return;
      const x = frame.left + Number(e.dataset.x), y = frame.top + Number(e.dataset.y);
      const away = Math.hypot(Math.max(a.left - x, x - a.right, 0), Math.max(a.top - y, y - a.bottom, 0));
      const led = [...svg.querySelectorAll('.leader')].some(line => Math.hypot(line.x1.baseVal.value - e.dataset.x, line.y1.baseVal.value - e.dataset.y) < 1);
      if (away > 16 && !led) bad.push(`${Math.round(away)} px from its dot: ${e.textContent}`);
    });
  }
  return bad.slice(0, 8);
})()"""

# Targets that a finger (narrow) or a pointer misses.
SMALL = """(() => {
  const least = innerWidth <= %d ? 40 : 24;
  const bad = new Set();
  for (const e of document.querySelectorAll('button, a[href], select, input, summary')) {
    if (e.closest('.skip') || !e.getClientRects().length) continue;
    const {width, height} = e.getBoundingClientRect();
    if (height < least || width < 24) bad.add(`${e.tagName}.${e.className} ${Math.round(width)} × ${Math.round(height)}: ${e.textContent.slice(0, 20)}`);
  }
  return [...bad].slice(0, 8);
})()""" % NARROW

# What a screen reader needs of tables, charts and fields.
UNNAMED = """(() => {
  const bad = [];
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption || !table.caption.textContent) bad.push('a table without a caption');
    if ([...table.querySelectorAll('thead th')].some(th => th.scope !== 'col' || !th.textContent.trim())) bad.push('a column without a name: ' + table.caption?.textContent);
    if ([...table.querySelectorAll('tbody tr')].some(tr => tr.cells[0].scope !== 'row')) bad.push('a row without a name: ' + table.caption?.textContent);
    if (table.querySelector('thead button') && table.querySelectorAll('th[aria-sort]').length !== 1) bad.push('nothing says what a table is sorted by: ' + table.caption?.textContent);
  }
  for (const e of document.querySelectorAll('.scroll')) if (e.tabIndex !== 0 || !e.getAttribute('aria-label')) bad.push('a scroller without a name or out of reach');
  for (const e of document.querySelectorAll('select, input')) if (!e.labels.length && !e.getAttribute('aria-label')) bad.push('a field without a name');
  if (document.querySelectorAll('h1').length !== 1) bad.push('not one h1');
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  if (new Set(ids).size !== ids.length) bad.push('an id twice');
  return bad;
})()"""

# Numbers without a unit, units without a space, amounts that are hard to read, texts that cannot be.
NUMBERS = """(() => {
  const bad = new Set();
  const prose = '.hero h1, .hero .lead, .card, .panel > h2, .sub, .lacks li, .note, .why, .axes, dd, .legend span, .sizes > div';
  for (const e of document.querySelectorAll(prose)) {
    const copy = e.cloneNode(true);
    copy.querySelectorAll('.chips, bdi, code').forEach(part => part.remove());
    // Parts that stand below each other are not one text.
    copy.querySelectorAll('div').forEach(part => part.append(' . '));
    const text = copy.textContent.replace(/percentile:\\S+/g, '');
    for (const found of text.matchAll(/\\d[\\d,]*\\.\\d+(.{0,8})/gs))
      if (!/^[\\s\\u00a0]?(GiB|MiB|Gi|GBh|bytes|%|×|h\\b|=)/.test(found[1])) bad.add('no unit: ' + found[0]);
    for (const found of text.matchAll(/\\d(GiB|MiB|GBh|%|executors|runs|jobs)/g)) bad.add('no space: ' + found[0]);
    for (const found of text.matchAll(/\\b0 of 0\\b|\\bNaN\\b|undefined|Infinity|\\b1 (runs|jobs|executors|executions|kills|were)\\b/g)) bad.add('makes no sense: ' + found[0]);
    for (const found of text.matchAll(/(\\d[\\d,]*(?:\\.\\d+)?)[\\s\\u00a0]%/g)) if (Number(found[1].replaceAll(',', '')) > 100 && !/more/.test(text)) bad.add('more than all: ' + text.slice(0, 60));
  }
  const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode()); ) {
    const beside = node.parentElement.closest('.why, .small, .conf, summary');
    const given = new Set();
    for (const found of node.textContent.matchAll(/(\\d[\\d,]*(?:\\.\\d+)?)[\\s\\u00a0]MiB( \\()?/g)) {
      if (found[2]) given.add(found[1]);
      if (Number(found[1].replaceAll(',', '')) > 10240 && !given.has(found[1]) && !(beside && !beside.matches('.why'))) bad.add('hard to read: ' + found[0]);
    }
  }
  return [...bad].slice(0, 8);
})()"""

# [id, text] of everything that is shown in more than one place.
QUANTITIES = "[...document.querySelectorAll('[data-quantity]')].map(e => [e.dataset.quantity, e.textContent])"


def look(page, check, where):
    for what, script in (("nothing is cut off", CUT_OFF), ("labels of charts", CHARTS), ("targets are large enough", SMALL),
                         ("tables and fields have names", UNNAMED), ("numbers and units", NUMBERS)):
        check.same(page.run(script), [], f"{where}: {what}")


def gather(page, shown):
    """Adds the texts of all quantities that the tab shows to a dictionary of sets."""
    for quantity, text in page.run(QUANTITIES):
        shown.setdefault(quantity, set()).add(text)


def one_text_each(check, shown, where):
    check.same({quantity: sorted(texts) for quantity, texts in shown.items() if len(texts) > 1}, {}, f"{where}: one text for one number")
