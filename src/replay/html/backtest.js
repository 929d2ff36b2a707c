// The page of a backtest: what policies would have cost on recorded executions.
const policies = data.policies.map((policy, index) => ({
  ...policy.result,
  ...policy,
  index,
  kind: 'p' + ((index % 7) + 1),
}));
const dial = data.dial.map(policy => ({...policy.result, ...policy}));
const first = policies[0] || dial[0];
const gbh = value => significant(value) + ' GBh';
// Two digits or more, as what is rare differs between policies too.
const rate = (part, all) => {
  if (!(all > 0)) return '–';
  const value = (part / all) * 100;
  if (value > 0 && value < 0.005) return '<\u00a00.01\u00a0%';
  if (value > 99 && value < 100) return number(Math.floor(value * 10) / 10, 1) + '\u00a0%';
  return number(value, value === 0 || value >= 10 ? 0 : value >= 1 ? 1 : 2) + '\u00a0%';
};
const withOOM = policy => rate(policy.oom_executions, policy.executions);
const figure = (policy, name, ...shown) => quantity(`${policy.policy}.${name}`, shown);
const key = policy =>
  s(
    'svg',
    {width: 22, height: 10, 'aria-hidden': 'true'},
    s('line', {class: policy.kind + ' stroke', x1: 0, x2: 22, y1: 5, y2: 5}),
  );
const legend = () =>
  h(
    'div',
    {class: 'legend'},
    policies.map(policy => h('span', {}, key(policy), breakable(policy.policy))),
  );
const best = (list, by) => list.reduce((a, b) => (b[by] < a[by] ? b : a));

function headline() {
  const asked = policies.find(policy => /^request/.test(policy.policy));
  const base = asked || policies.reduce((a, b) => (b.waste_gbh > a.waste_gbh ? b : a), policies[0]);
  const others = policies.filter(policy => policy !== base);
  if (others.length === 0) return `What sizing ${plural(first.executions, 'execution')} would have cost`;
  const least = best(others, 'waste_gbh');
  const share = 1 - least.waste_gbh / base.waste_gbh;
  if (!(share > 0)) return 'No policy would have wasted less memory than what was requested';
  const than = asked ? 'what was requested' : name(base.policy);
  return ['The policy ', name(least.policy), ` would have wasted ${rate(share, 1)} less memory than `, than];
}

// From 0 to the largest, `at` gives 0 to 1. One policy with many times the cost of the others would squeeze them into
// a corner: then by square roots.
function scaleOf(values, wanted, whole) {
  const sorted = values.filter(value => value !== null).sort((a, b) => a - b);
  const most = Math.max(sorted[sorted.length - 1] * 1.02, 1e-9);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (most <= 6 * middle || middle === 0) {
    let ticks = marks(most, wanted, false);
    if (whole && ticks[1] < 1) ticks = marks(Math.max(1, most), 1, false);
    return {ticks, note: '', at: value => value / ticks[ticks.length - 1]};
  }
  const nice = [];
  for (let power = 10 ** Math.floor(Math.log10(most) + 1); nice.length < 24; power /= 10)
    nice.push(power, power / 2, power / 5);
  const ceiling = nice.filter(value => value >= most).pop();
  const ticks = [ceiling];
  for (const value of nice)
    if (Math.sqrt(ticks[0] / ceiling) - Math.sqrt(value / ceiling) >= 0.85 / wanted) ticks.unshift(value);
  while (Math.sqrt(ticks[0] / ceiling) < 0.85 / wanted) ticks.shift();
  return {ticks: [0, ...ticks], note: ' (square-root scale)', at: value => Math.sqrt(value / ceiling)};
}

// Points that lie on each other are one, with all of their names.
function merged(points) {
  const list = [];
  for (const point of points) {
    const same = list.find(other => Math.hypot(other.x - point.x, other.y - point.y) < 4);
    if (same) same.values.push(point.value);
    else list.push({x: point.x, y: point.y, values: [point.value]});
  }
  return list;
}

// The nearest free place beside its point for each label, with a line to it where that is not next to it.
function label(svg, points, area) {
  const boxes = points.map(({x, y}) => ({left: x - 7, right: x + 7, top: y - 7, bottom: y + 7}));
  const apart = (a, b) => a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top;
  const most = (area.right - area.left) * 0.6;
  const cut = text => {
    if (measure(text, true) <= most) return text;
    let length = text.length;
    while (length > 1 && measure(text.slice(0, length) + '…', true) > most) --length;
    return text.slice(0, length) + '…';
  };
  points.forEach((point, i) => {
    const text = cut(point.values.map(value => shown(value.label)).join(', '));
    const width = measure(text, true);
    for (let far = 0; far <= 160; far += 8) {
      const places = [
        [point.x + 11 + far, point.y + 4],
        [point.x - 11 - far - width, point.y + 4],
        [point.x - width / 2, point.y - 12 - far],
        [point.x - width / 2, point.y + 20 + far],
        [point.x + 9 + far, point.y - 9 - far],
        [point.x + 9 + far, point.y + 17 + far],
        [point.x - 9 - far - width, point.y - 9 - far],
        [point.x - 9 - far - width, point.y + 17 + far],
      ];
      const found = places
        .map(([left, base]) => ({left, right: left + width, top: base - 12, bottom: base + 4, base}))
        .find(
          box =>
            box.left >= area.left &&
            box.right <= area.right &&
            box.top >= area.top &&
            box.bottom <= area.bottom &&
            boxes.every((other, j) => apart(box, other) || (j === i && far === 0)),
        );
      if (!found) continue;
      boxes.push(found);
      if (far > 0)
        svg.append(
          s('line', {
            class: 'leader',
            x1: point.x,
            y1: point.y,
            x2: Math.min(Math.max(point.x, found.left - 2), found.right + 2),
            y2: Math.min(Math.max(point.y, found.top), found.bottom),
          }),
        );
      const written = words(found.left, found.base, text, 'start', 'strong');
      build(written, {'data-x': point.x, 'data-y': point.y}, []);
      svg.append(written);
      return;
    }
  });
}

function scatter() {
  const points = [
    ...policies.map(policy => ({...policy, label: policy.policy})),
    ...dial.map(policy => ({...policy, label: policy.policy, kind: 'dial'})),
  ];
  return chart('Waste against executions with an OOM, of every policy and of the risk dial of adaptive', width => {
    const height = Math.min(460, Math.max(320, width * 0.42));
    const right = width - 20,
      top = 14,
      bottom = height - 30;
    const across = scaleOf(
      points.map(point => point.waste_gbh),
      width < 560 ? 4 : 8,
    );
    const upright = scaleOf(
      points.map(point => point.oom_executions),
      6,
      true,
    );
    const left = roomFor(upright.ticks.map(count));
    const x = value => left + across.at(value) * (right - left);
    const y = value => bottom - upright.at(value) * (bottom - top);
    const svg = frame(width, height);
    for (const tick of across.ticks)
      svg.append(s('line', {class: tick === 0 ? 'base' : 'axis', x1: x(tick), x2: x(tick), y1: top, y2: bottom}));
    below(
      svg,
      width,
      bottom + 18,
      across.ticks.map(tick => [x(tick), short(tick)]),
    );
    for (const tick of upright.ticks)
      svg.append(
        s('line', {class: tick === 0 ? 'base' : 'axis', x1: left, x2: right, y1: y(tick), y2: y(tick)}),
        words(left - 8, y(tick) + 4, count(tick), 'end'),
      );
    svg.append(
      s('path', {
        class: 's-target',
        d: 'M' + dial.map(point => `${x(point.waste_gbh).toFixed(1)} ${y(point.oom_executions).toFixed(1)}`).join('L'),
      }),
    );
    const stops = points.map(point => ({x: x(point.waste_gbh), y: y(point.oom_executions), value: point}));
    label(svg, merged(stops), {left: left + 2, right: width - 2, top: 2, bottom: bottom - 2});
    for (const {x: px, y: py, value: point} of stops)
      svg.append(
        point.kind === 'dial'
          ? s('circle', {cx: px, cy: py, r: 5, class: 'p1'})
          : s('rect', {x: px - 6, y: py - 6, width: 12, height: 12, rx: 3, class: point.kind + ' shade'}),
      );
    return {
      svg,
      stops,
      note: `Across: waste in GBh${across.note}. Upright: executions with an OOM${upright.note}.`,
      tip: point => [
        shown(point.label).slice(0, 80),
        `waste ${gbh(point.waste_gbh)}`,
        plural(point.oom_executions, 'execution') + ' with an OOM',
        `most retries ${count(point.max_retries)}`,
      ],
    };
  });
}

// Lines of all policies over the same places.
function lines(label, places, valueOf, options) {
  return chart(label, width => {
    const height = 220,
      right = width - 22,
      top = 12,
      bottom = height - 26;
    const series = policies.map(policy => places.map((place, i) => valueOf(policy, i)));
    const scale = scaleOf(series.flat(), 4, options.whole);
    const left = roomFor(scale.ticks.map(options.mark));
    const x = i => (places.length < 2 ? (left + right) / 2 : left + options.at(i) * (right - left));
    const y = value => bottom - scale.at(value) * (bottom - top);
    const svg = frame(width, height);
    for (const tick of scale.ticks)
      svg.append(
        s('line', {class: tick === 0 ? 'base' : 'axis', x1: left, x2: right, y1: y(tick), y2: y(tick)}),
        words(left - 8, y(tick) + 4, options.mark(tick), 'end'),
      );
    below(
      svg,
      width,
      bottom + 17,
      options.below.map(([at, text]) => [left + at * (right - left), text]),
    );
    series.forEach((values, p) => {
      let path = '',
        pen = false;
      values.forEach((value, i) => {
        if (value === null) {
          pen = false;
          return;
        }
        path += `${pen ? 'L' : 'M'}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
        pen = true;
      });
      svg.append(s('path', {class: policies[p].kind + ' stroke', d: path}));
    });
    return {
      svg,
      note: `Across: ${options.title}. Upright: ${options.upright}${scale.note}.`,
      stops: places.map((place, i) => ({x: x(i), value: i})),
      tip: i => [
        options.name(i),
        ...policies.map(
          (policy, p) =>
            `${shown(policy.policy).slice(0, 50)}: ${series[p][i] === null ? '–' : options.show(series[p][i])}`,
        ),
      ],
    };
  });
}

function progressPanel() {
  const steps = first.progress;
  if (steps.length < 2 || policies.length === 0) return null;
  const all = steps[steps.length - 1][0];
  const options = {
    at: i => steps[i][0] / all,
    below: [...marks(all, 3, false).filter(mark => mark <= all && Number.isInteger(mark))].map(mark => [
      mark / all,
      count(mark),
    ]),
    title: 'executions, in the order in which they were submitted',
    name: i => `after ${plural(steps[i][0], 'execution')}`,
  };
  const titles = ['Executions', ...policies.map(policy => shown(policy.policy).slice(0, 60))];
  return h(
    'div',
    {class: 'two'},
    panel(
      'Waste as it added up, GBh',
      'A line that flattens is a policy that has learnt.',
      legend(),
      lines('Waste of every policy as executions went on', steps, (policy, i) => policy.progress[i][2], {
        ...options,
        upright: 'waste in GBh',
        mark: short,
        show: gbh,
      }),
      asTable('Waste as it added up, GBh', titles, () =>
        steps.map((step, i) => [count(step[0]), ...policies.map(policy => significant(policy.progress[i][2]))]),
      ),
    ),
    panel(
      'OOMs as they added up',
      'Executions that failed at least once for too little memory.',
      legend(),
      lines(
        'Executions with an OOM of every policy as executions went on',
        steps,
        (policy, i) => policy.progress[i][1],
        {
          ...options,
          upright: 'executions with an OOM',
          whole: true,
          mark: count,
          show: value => plural(value, 'execution'),
        },
      ),
      asTable('Executions with an OOM as they added up', titles, () =>
        steps.map((step, i) => [count(step[0]), ...policies.map(policy => count(policy.progress[i][1]))]),
      ),
    ),
  );
}

function learningPanel() {
  const starts = data.meta.ordinals;
  const used = starts.map((start, i) => i).filter(i => policies.some(policy => policy.ordinals[i][0] > 0));
  if (used.length < 2) return null;
  const title = i => {
    const from = starts[used[i]],
      next = starts[used[i] + 1];
    return next === undefined ? `${from}+` : next - from === 1 ? `${from}` : `${from}–${next - 1}`;
  };
  const options = {
    at: i => i / (used.length - 1),
    below: used.map((_, i) => [i / (used.length - 1), title(i)]),
    title: 'which execution of its key',
    name: i => `execution ${title(i)} of its key`,
  };
  const titles = ['Execution', ...policies.map(policy => shown(policy.policy).slice(0, 60))];
  const waste = (policy, i) => {
    const [, , need, lost] = policy.ordinals[used[i]];
    return need > 0 ? lost / need : null;
  };
  const failed = (policy, i) => {
    const [n, ooms] = policy.ordinals[used[i]];
    return n > 0 ? ooms / n : null;
  };
  return h(
    'div',
    {class: 'two'},
    panel(
      'Waste by how often a job ran',
      'Waste as a multiple of what was used: it should fall from the first execution of a key to the later ones.',
      legend(),
      lines('Waste as a multiple of use, by the number of the execution of its key', used, waste, {
        ...options,
        upright: 'waste as a multiple of use',
        mark: value => short(value) + '\u00a0×',
        show: value => significant(value) + '\u00a0× use',
      }),
      asTable('Waste as a multiple of use', titles, () =>
        used.map((_, i) => [
          title(i),
          ...policies.map(policy => (waste(policy, i) === null ? '–' : significant(waste(policy, i)))),
        ]),
      ),
    ),
    panel(
      'OOMs by how often a job ran',
      'The share of executions that failed at least once.',
      legend(),
      lines('Share of executions with an OOM, by the number of the execution of its key', used, failed, {
        ...options,
        upright: 'share of executions with an OOM',
        mark: value => short(value * 100) + '\u00a0%',
        show: value => rate(value, 1),
      }),
      asTable('Share of executions with an OOM', titles, () =>
        used.map((_, i) => [
          title(i),
          ...policies.map(policy => (failed(policy, i) === null ? '–' : rate(failed(policy, i), 1))),
        ]),
      ),
    ),
  );
}

function policyTable() {
  const table = sortable(
    [
      {
        title: 'Policy',
        left: true,
        class: 'job',
        get: policy => policy.policy,
        show: policy => [key(policy), ' ', breakable(policy.policy)],
      },
      {
        title: 'Waste, GBh',
        first: 'ascending',
        get: policy => policy.waste_gbh,
        show: policy => figure(policy, 'waste', significant(policy.waste_gbh)),
      },
      {
        title: 'Waste per use',
        class: 'mid',
        get: policy => policy.waste_gbh,
        show: policy => (policy.used_gbh > 0 ? significant(policy.waste_gbh / policy.used_gbh) + '\u00a0×' : '–'),
      },
      {
        title: 'Allocated, GBh',
        class: 'mid',
        get: policy => policy.allocated_gbh,
        show: policy => significant(policy.allocated_gbh),
      },
      {
        title: 'With an OOM',
        get: policy => policy.oom_executions,
        show: policy => figure(policy, 'ooms', count(policy.oom_executions)),
      },
      {
        title: 'of executions',
        class: 'mid',
        get: policy => policy.oom_executions,
        show: withOOM,
      },
      {
        title: 'OOM kills',
        class: 'narrow-hide',
        get: policy => policy.oom_kills,
        show: policy => count(policy.oom_kills),
      },
      {
        title: 'Most retries',
        class: 'wide',
        get: policy => policy.max_retries,
        show: policy => count(policy.max_retries),
      },
      {
        title: 'Unsatisfied',
        class: 'wide',
        help: 'failed at the largest allocation',
        get: policy => policy.unsatisfied,
        show: policy => count(policy.unsatisfied),
      },
    ],
    () => policies,
    {by: 1, stack: true, caption: 'Policies and what they would have cost'},
  );
  table.order();
  return scroller('policies', table.table);
}

function dialPanel() {
  const meaning = {
    thrifty: 'saves most, and fails more often',
    balanced: 'an OOM costs its retry, three more runs and a GB·minute',
    safe: 'pays more memory for fewer OOMs',
  };
  const middle = dial.find(policy => policy.policy === 'balanced') || dial[0];
  const against = (policy, field) =>
    middle[field] > 0 && policy !== middle
      ? h('span', {class: 'soft'}, ` (${signed(policy[field] / middle[field] - 1)})`)
      : null;
  const table = sortable(
    [
      {title: 'risk=', left: true, get: policy => dial.indexOf(policy), show: policy => policy.policy},
      {
        title: 'Waste, GBh',
        get: policy => policy.waste_gbh,
        show: policy => [significant(policy.waste_gbh), against(policy, 'waste_gbh')],
      },
      {
        title: 'With an OOM',
        get: policy => policy.oom_executions,
        show: policy => [count(policy.oom_executions), against(policy, 'oom_executions')],
      },
      {
        title: 'Most retries',
        class: 'mid',
        get: policy => policy.max_retries,
        show: policy => count(policy.max_retries),
      },
      {title: 'What it does', left: true, class: 'soft wrap', show: policy => meaning[policy.policy] || ''},
    ],
    () => dial,
    {stack: true, caption: 'The risk dial of adaptive'},
  );
  table.order();
  return panel(
    'What the risk dial would do',
    [
      'The policy adaptive weighs memory against OOMs; its option ',
      h('code', {}, 'risk'),
      ' says how much an OOM is disliked. In brackets: against balanced.',
    ],
    scroller('the risk dial', table.table),
  );
}

function workflowPanel() {
  const rows = data.workflows.map((title, i) => ({title, i}));
  const columns = [
    {title: 'Workflow', left: true, get: row => row.title.toLowerCase(), show: row => name(row.title)},
    {
      title: 'Executions',
      class: 'narrow-hide',
      first: 'descending',
      get: row => first.workflows[row.i][0],
      show: row => count(first.workflows[row.i][0]),
    },
    {
      title: 'Used, GBh',
      class: 'mid',
      first: 'descending',
      get: row => first.workflows[row.i][2],
      show: row => significant(first.workflows[row.i][2]),
    },
  ];
  for (const policy of policies)
    columns.push({
      title: shown(policy.policy),
      head: breakable(policy.policy),
      first: 'descending',
      help: 'waste in GBh, and executions with an OOM',
      get: row => policy.workflows[row.i][3],
      show: row => [
        significant(policy.workflows[row.i][3]),
        h('span', {class: 'soft'}, ` · ${count(policy.workflows[row.i][1])}`),
      ],
    });
  const table = sortable(columns, () => rows, {
    by: columns.length > 3 ? 3 : 0,
    down: true,
    stack: true,
    caption: 'Waste and OOMs of every policy by workflow',
  });
  table.order();
  return panel('By workflow', 'Waste in GBh · executions with an OOM.', scroller('by workflow', table.table));
}

function keysPanel() {
  if (data.keys.length === 0 || policies.length === 0) return null;
  let chosen = 0;
  const table = sortable(
    [
      {
        title: 'Key',
        left: true,
        class: 'job',
        get: row => row.signature.toLowerCase(),
        show: row => [name(row.signature), h('span', {class: 'soft small'}, ' ', name(row.workflow))],
      },
      {
        title: 'Executions',
        class: 'narrow-hide',
        first: 'descending',
        get: row => row.costs[chosen][0],
        show: row => count(row.costs[chosen][0]),
      },
      {
        title: 'Used, GBh',
        class: 'mid',
        first: 'descending',
        get: row => row.costs[chosen][2],
        show: row => significant(row.costs[chosen][2]),
      },
      {
        title: 'Waste, GBh',
        first: 'descending',
        get: row => row.costs[chosen][3],
        show: row => significant(row.costs[chosen][3]),
      },
      {
        title: 'of all',
        class: 'mid',
        first: 'descending',
        get: row => row.costs[chosen][3],
        show: row => rate(row.costs[chosen][3], policies[chosen].waste_gbh),
      },
      {
        title: 'With an OOM',
        first: 'descending',
        get: row => row.costs[chosen][1],
        show: row => count(row.costs[chosen][1]),
      },
      {
        title: 'of its executions',
        class: 'mid',
        first: 'descending',
        get: row => row.costs[chosen][1] / row.costs[chosen][0],
        show: row => rate(row.costs[chosen][1], row.costs[chosen][0]),
      },
    ],
    () => data.keys,
    {by: 3, down: true, most: 15, stack: true, caption: 'Keys that cost most'},
  );
  table.order();
  const choose = h(
    'select',
    {
      id: 'policy',
      onchange: () => {
        chosen = Number(choose.value);
        table.order();
      },
    },
    policies.map(policy => h('option', {value: policy.index}, shown(policy.policy).slice(0, 80))),
  );
  return panel(
    'Keys that cost most',
    'Those with the most waste or the most OOMs under any of the policies.',
    h('div', {class: 'tools'}, h('label', {for: 'policy', class: 'soft small'}, 'Under the policy'), choose),
    scroller('keys that cost most', table.table),
  );
}

function report() {
  if (!first || first.executions === 0)
    return [
      h('div', {class: 'hero'}, h('h1', {tabindex: -1}, 'No execution could be read')),
      panel(
        'What this takes',
        'A table with a line for each execution: docs/formats.md says which columns.',
        h(
          'ul',
          {class: 'plain-list'},
          data.meta.notes.map(note => h('li', {}, h('b', {}, 'Not used: '), name(note))),
        ),
      ),
      ending([]),
    ];
  const cheapest = best(policies.length > 0 ? policies : dial, 'waste_gbh');
  const safest = best(policies.length > 0 ? policies : dial, 'oom_executions');
  return [
    h(
      'div',
      {class: 'hero'},
      h('h1', {tabindex: -1}, headline()),
      h(
        'p',
        {class: 'lead'},
        `${plural(first.executions, 'execution')} of ${plural(first.signatures, 'key')} in ${plural(data.workflows.length, 'workflow')}, sized by each policy with what was known when they were submitted. ` +
          'An attempt with less than its peak fails, costs all of its allocation and is repeated with more.',
      ),
    ),
    h(
      'div',
      {class: 'cards'},
      card('Used', significant(first.used_gbh), 'GBh', 'peak × run time of all executions; 1 GB is 10⁹ bytes'),
      card('Least waste', figure(cheapest, 'waste', significant(cheapest.waste_gbh)), 'GBh', ['by ', name(cheapest.policy)], 'good'),
      card('Fewest OOMs', figure(safest, 'ooms', count(safest.oom_executions)), '', [
        `${safest.oom_executions === 1 ? 'execution' : 'executions'} that failed, by `,
        name(safest.policy),
      ]),
      card(
        'No history yet',
        rate(first.cold_starts, first.executions),
        '',
        `${plural(first.cold_starts, 'execution')} ${first.cold_starts === 1 ? 'was' : 'were'} the first of ${first.cold_starts === 1 ? 'its' : 'their'} key, or started before that was over`,
      ),
    ),
    panel(
      'Waste against OOMs',
      'Down and to the left is better. The dashed line is what the risk dial of the policy adaptive offers.',
      scatter(),
      policyTable(),
    ),
    dialPanel(),
    workflowPanel(),
    progressPanel(),
    learningPanel(),
    keysPanel(),
    panel(
      'The rules',
      null,
      h(
        'ul',
        {class: 'plain-list'},
        h(
          'li',
          {},
          'The result of an execution is known at submit times at or after its completion. Without one of its own a key gets what was requested (by adaptive what its family needed).',
        ),
        h(
          'li',
          {},
          'A failed attempt wastes all of its allocation, the last one what is above the peak, both times the run time.',
        ),
        h('li', {}, 'No floor, guard or escalation is applied: policies are compared, not what surrounds them.'),
        policies.map(policy =>
          h('li', {}, h('b', {}, breakable(policy.policy)), ': ', h('code', {}, breakable(policy.options))),
        ),
        data.meta.notes.map(note => h('li', {}, h('b', {}, 'Not used: '), name(note))),
      ),
    ),
    ending([]),
  ].filter(Boolean);
}
main.append(...report());
