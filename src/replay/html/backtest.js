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
const rate = (part, all) => (all > 0 ? percent(part / all) : '–');
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
    policies.map(policy => h('span', {}, key(policy), name(policy.policy))),
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
  return ['The policy ', name(least.policy), ` would have wasted ${percent(share)} less memory than `, than];
}

// From 0 to the largest, `at` gives 0 to 1. One policy with many times the cost of the others would squeeze them into
// a corner: then by square roots.
function scaleOf(values, wanted) {
  const sorted = values.filter(value => value !== null).sort((a, b) => a - b);
  const most = Math.max(sorted[sorted.length - 1] * 1.02, 1e-9);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (most <= 6 * middle || middle === 0) {
    const ticks = marks(most, wanted, false);
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

function scatter() {
  const points = [
    ...policies.map(policy => ({...policy, label: policy.policy})),
    ...dial.map(policy => ({...policy, label: policy.policy, kind: 'dial'})),
  ];
  return chart('Waste against executions with an OOM, of every policy and of the risk dial of adaptive', width => {
    const height = Math.min(460, Math.max(320, width * 0.42));
    const left = 74,
      right = width - 20,
      top = 14,
      bottom = height - 48;
    const across = scaleOf(
      points.map(point => point.waste_gbh),
      width < 560 ? 4 : 8,
    );
    const upright = scaleOf(
      points.map(point => point.oom_executions),
      6,
    );
    const x = value => left + across.at(value) * (right - left);
    const y = value => bottom - upright.at(value) * (bottom - top);
    const svg = frame(width, height);
    for (const tick of across.ticks)
      svg.append(
        s('line', {class: tick === 0 ? 'base' : 'axis', x1: x(tick), x2: x(tick), y1: top, y2: bottom}),
        words(x(tick), bottom + 18, short(tick), 'middle'),
      );
    for (const tick of upright.ticks)
      svg.append(
        s('line', {class: tick === 0 ? 'base' : 'axis', x1: left, x2: right, y1: y(tick), y2: y(tick)}),
        words(left - 8, y(tick) + 4, count(tick), 'end'),
      );
    svg.append(words((left + right) / 2, height - 6, `waste, GBh${across.note}`, 'middle'));
    const side = words(0, 0, `executions with an OOM${upright.note}`, 'middle');
    side.setAttribute('transform', `translate(14 ${(top + bottom) / 2}) rotate(-90)`);
    svg.append(
      side,
      s('path', {
        class: 's-target',
        d: 'M' + dial.map(point => `${x(point.waste_gbh).toFixed(1)} ${y(point.oom_executions).toFixed(1)}`).join('L'),
      }),
    );
    const taken = [];
    const stops = points.map(point => {
      const px = x(point.waste_gbh),
        py = y(point.oom_executions);
      svg.append(
        point.kind === 'dial'
          ? s('circle', {cx: px, cy: py, r: 5, class: 'p1'})
          : s('rect', {x: px - 6, y: py - 6, width: 12, height: 12, rx: 3, class: point.kind + ' shade'}),
      );
      const leftwards = px > (left + right) / 2;
      let ty = py + 4;
      while (taken.some(([a, b, c]) => Math.abs(b - ty) < 14 && a === leftwards && Math.abs(c - px) < 190)) ty += 14;
      taken.push([leftwards, ty, px]);
      const label = shown(point.label);
      svg.append(
        words(
          px + (leftwards ? -11 : 11),
          ty,
          label.length > 44 ? label.slice(0, 43) + '…' : label,
          leftwards ? 'end' : 'start',
          'strong',
        ),
      );
      return {x: px, y: py, value: point};
    });
    return {
      svg,
      stops,
      tip: point => [
        shown(point.label).slice(0, 80),
        `waste ${gbh(point.waste_gbh)}`,
        `${count(point.oom_executions)} executions with an OOM`,
        `most retries ${count(point.max_retries)}`,
      ],
    };
  });
}

// Lines of all policies over the same places.
function lines(label, places, valueOf, options) {
  return chart(label, width => {
    const height = 240,
      left = 62,
      right = width - 22,
      top = 12,
      bottom = height - 44;
    const series = policies.map(policy => places.map((place, i) => valueOf(policy, i)));
    const scale = scaleOf(series.flat(), 4);
    const x = i => (places.length < 2 ? (left + right) / 2 : left + options.at(i) * (right - left));
    const y = value => bottom - scale.at(value) * (bottom - top);
    const svg = frame(width, height);
    for (const tick of scale.ticks)
      svg.append(
        s('line', {class: tick === 0 ? 'base' : 'axis', x1: left, x2: right, y1: y(tick), y2: y(tick)}),
        words(left - 8, y(tick) + 4, options.mark(tick), 'end'),
      );
    for (const [at, text, anchor] of options.below)
      svg.append(words(left + at * (right - left), bottom + 17, text, anchor));
    svg.append(
      words((left + right) / 2, height - 6, options.title + (scale.note && `; upright${scale.note}`), 'middle'),
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
    below: [
      [0, '0', 'start'],
      [0.5, count(all / 2), 'middle'],
      [1, count(all), 'end'],
    ],
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
        {...options, mark: count, show: value => count(value)},
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
    below: used.map((_, i) => [i / (used.length - 1), title(i), 'middle']),
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
        mark: value => short(value) + ' ×',
        show: value => significant(value) + ' × use',
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
        mark: value => short(value * 100) + ' %',
        show: value => number(value * 100, 2) + ' %',
      }),
      asTable('Share of executions with an OOM', titles, () =>
        used.map((_, i) => [
          title(i),
          ...policies.map(policy => (failed(policy, i) === null ? '–' : number(failed(policy, i) * 100, 2) + ' %')),
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
        show: policy => [key(policy), ' ', name(policy.policy)],
      },
      {
        title: 'Waste, GBh',
        first: 'ascending',
        get: policy => policy.waste_gbh,
        show: policy => significant(policy.waste_gbh),
      },
      {
        title: 'Waste per use',
        class: 'mid',
        get: policy => policy.waste_gbh,
        show: policy => (policy.used_gbh > 0 ? significant(policy.waste_gbh / policy.used_gbh) + ' ×' : '–'),
      },
      {
        title: 'Allocated, GBh',
        class: 'mid',
        get: policy => policy.allocated_gbh,
        show: policy => significant(policy.allocated_gbh),
      },
      {title: 'With an OOM', get: policy => policy.oom_executions, show: policy => count(policy.oom_executions)},
      {
        title: 'of executions',
        class: 'mid',
        get: policy => policy.oom_executions,
        show: policy =>
          policy.executions > 0 ? number((policy.oom_executions / policy.executions) * 100, 2) + ' %' : '–',
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
    {by: 1, caption: 'Policies and what they would have cost'},
  );
  table.order();
  return h('div', {class: 'scroll'}, table.table);
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
      {title: '', left: true, class: 'soft mid', show: policy => meaning[policy.policy] || ''},
    ],
    () => dial,
    {caption: 'The risk dial of adaptive'},
  );
  table.order();
  return panel(
    'What the risk dial would do',
    [
      'The policy adaptive weighs memory against OOMs; its option ',
      h('code', {}, 'risk'),
      ' says how much an OOM is disliked. In brackets: against balanced.',
    ],
    h('div', {class: 'scroll'}, table.table),
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
      title: shown(policy.policy).slice(0, 40),
      first: 'descending',
      help: 'waste in GBh, and executions with an OOM',
      get: row => policy.workflows[row.i][3],
      show: row => [
        significant(policy.workflows[row.i][3]),
        h('span', {class: policy.workflows[row.i][1] > 0 ? 'soft' : 'soft'}, ` · ${count(policy.workflows[row.i][1])}`),
      ],
    });
  const table = sortable(columns, () => rows, {
    by: columns.length > 3 ? 3 : 0,
    down: true,
    caption: 'Waste and OOMs of every policy by workflow',
  });
  table.order();
  return panel('By workflow', 'Waste in GBh · executions with an OOM.', h('div', {class: 'scroll'}, table.table));
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
    {by: 3, down: true, most: 15, caption: 'Keys that cost most'},
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
    h('div', {class: 'scroll'}, table.table),
  );
}

function report() {
  if (!first || first.executions === 0)
    return [h('div', {class: 'hero'}, h('h1', {tabindex: -1}, 'No execution could be read'))];
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
      card('Least waste', significant(cheapest.waste_gbh), 'GBh', name(cheapest.policy), 'good'),
      card('Fewest OOMs', count(safest.oom_executions), '', ['executions that failed, by ', name(safest.policy)]),
      card(
        'No history yet',
        rate(first.cold_starts, first.executions),
        '',
        `${count(first.cold_starts)} executions were the first of their key, or started before it was over`,
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
          h('li', {}, h('b', {}, name(policy.policy)), ': ', h('code', {}, shown(policy.options))),
        ),
        data.meta.notes.map(note => h('li', {}, h('b', {}, 'Not used: '), name(note))),
      ),
    ),
    ending([]),
  ].filter(Boolean);
}
main.append(...report());
