// The page of a closed loop: how made-up jobs fared that ran at the sizes they were recommended.
const policies = data.policies.map((policy, index) => ({...policy, index, kind: 'p' + ((index % 7) + 1)}));
const first = policies[0];
const times = value => number(value, 2) + '×';
const each = (part, all, digits) => (all > 0 ? number(part / all, digits) : '–');
const key = policy =>
  s(
    'svg',
    {width: 22, height: 10, 'aria-hidden': 'true'},
    s('line', {class: policy.kind + ' stroke', x1: 0, x2: 22, y1: 5, y2: 5}),
  );

function headline() {
  const safest = policies.reduce((a, b) => (b.harmed_unchanged < a.harmed_unchanged ? b : a));
  const runs = Object.values(safest.needs).reduce((sum, need) => sum + need.runs, 0);
  return [
    'With ',
    name(safest.policy),
    ` ${plural(safest.harmed_unchanged, 'run')} of ${count(runs)} failed because of their size, at ` +
      `${percent(safest.judged.memory.median)} of the memory that was submitted`,
  ];
}

function scrolling(table, caption) {
  return h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption}, table);
}

function sizes() {
  const caption = 'Policies on jobs that are steady and lose no executor as submitted';
  const columns = [
    {title: 'Policy', left: true, get: p => p.policy, show: p => [key(p), '\u00a0', name(p.policy)]},
    {
      title: 'Harmed runs',
      help: 'failed, but not in the submitted size, and need no more than a run before',
      get: p => p.harmed_unchanged,
      show: p => count(p.harmed_unchanged),
    },
    {
      title: 'Lost on the way down',
      help: 'executors of each job in its first seven runs',
      get: p => p.judged.lost_down,
      show: p => each(p.judged.lost_down, p.judged.jobs, 2),
    },
    {
      title: 'Lost in 1,000 runs',
      help: 'executors, after the first seven runs of each job',
      get: p => p.judged.lost_after,
      show: p => each(1000 * p.judged.lost_after, p.judged.runs_after, 2),
    },
    {
      title: 'Within 1.3× of the smallest',
      help: 'jobs, after seven runs',
      get: p => p.judged.reached,
      show: p => (p.judged.jobs > 0 ? percent(p.judged.reached / p.judged.jobs) : '–'),
    },
    {title: 'Size', help: 'median, as a multiple of the smallest', get: p => p.judged.size.median, show: p => times(p.judged.size.median)},
    {title: 'Submitted', get: p => p.judged.submitted_size.median, show: p => times(p.judged.submitted_size.median)},
    {
      title: 'Memory × time',
      help: 'median of all runs, of the submitted size’s',
      get: p => p.judged.memory.median,
      show: p => percent(p.judged.memory.median),
    },
    {title: 'Run time', help: 'median', get: p => p.judged.seconds.median, show: p => times(p.judged.seconds.median)},
    {title: 'Slowest run', help: 'median', get: p => p.judged.slowest.median, show: p => times(p.judged.slowest.median)},
  ];
  const table = sortable(columns, () => policies, {caption, most: policies.length});
  table.order();
  return panel(caption, 'Multiples of the smallest size that goes well, and of the same runs as submitted.', scrolling(table.table, caption));
}

function way() {
  const runs = first.judged.median_sizes.length;
  if (runs < 2) return null;
  const label = 'Median size of an executor, run by run, as a multiple of the smallest that goes well';
  const drawn = chart(label, width => {
    const height = 260,
      left = 62,
      right = width - 22,
      top = 12,
      bottom = height - 44;
    const ticks = marks(Math.max(1, ...policies.flatMap(p => p.judged.median_sizes)), 4, false);
    const x = i => left + (i / (runs - 1)) * (right - left);
    const y = value => bottom - (value / ticks[ticks.length - 1]) * (bottom - top);
    const svg = frame(width, height);
    for (const tick of ticks)
      svg.append(
        s('line', {class: tick === 0 ? 'base' : 'axis', x1: left, x2: right, y1: y(tick), y2: y(tick)}),
        words(left - 8, y(tick) + 4, short(tick) + '×', 'end'),
      );
    svg.append(
      words(left, bottom + 17, '1', 'start'),
      words(right, bottom + 17, count(runs), 'end'),
      words((left + right) / 2, height - 6, 'run of each job', 'middle'),
    );
    for (const policy of policies) {
      const path = policy.judged.median_sizes.map((v, i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`);
      svg.append(s('path', {class: policy.kind + ' stroke', d: path.join('')}));
    }
    return {
      svg,
      stops: first.judged.median_sizes.map((_, i) => ({x: x(i), value: i})),
      tip: i => [`run ${i + 1}`, ...policies.map(p => `${shown(p.policy).slice(0, 50)}: ${times(p.judged.median_sizes[i])}`)],
    };
  });
  return panel(
    'The way to a size',
    label + '.',
    h('div', {class: 'legend'}, policies.map(policy => h('span', {}, key(policy), name(policy.policy)))),
    drawn,
    asTable(label, ['Run', ...policies.map(p => shown(p.policy).slice(0, 60))], () =>
      first.judged.median_sizes.map((_, i) => [count(i + 1), ...policies.map(p => times(p.judged.median_sizes[i]))]),
    ),
  );
}

// What happened to runs, by how the need of their job changes.
function needs() {
  const rows = policies.flatMap(policy => [
    ...Object.entries(policy.needs).map(([need, runs]) => ({policy, need, runs})),
    ...policy.jumps.flatMap(jump => [
      {policy, need: `jump to ${jump.times}×`, runs: jump.first},
      {policy, need: `${jump.times}×, next two runs`, runs: jump.next},
    ]),
  ]).filter(row => row.runs.runs > 0);
  const numbers = [
    ['Runs', 'runs', null],
    ['Failed', 'failed', null],
    ['Failed as submitted', 'failed_submitted', null],
    ['Harmed', 'harmed', 'failed in the loop alone'],
    ['Harmed, need unchanged', 'harmed_unchanged', null],
    ['Executors lost', 'lost', null],
    ['Lost as submitted', 'lost_submitted', null],
  ];
  const caption = 'Runs by how the need of their job changes';
  const columns = [
    {title: 'Policy', left: true, get: row => row.policy.index, show: row => [key(row.policy), '\u00a0', name(row.policy.policy)]},
    {title: 'Need', left: true, get: row => row.need, show: row => row.need},
    ...numbers.map(([title, member, help]) => ({
      title,
      help,
      get: row => row.runs[member],
      show: row => count(row.runs[member]),
    })),
  ];
  const table = sortable(columns, () => rows, {caption, most: rows.length});
  table.order();
  return panel(caption, 'Jumps come after the last run of steady jobs.', scrolling(table.table, caption));
}

function harmed() {
  const lines = policies.flatMap(policy =>
    policy.harmed.map(job =>
      h(
        'li',
        {},
        name(policy.policy),
        `: job ${job.profile} (${job.outside}, ${job.need}): ${plural(job.runs, 'run')}, the first of them run ` +
          `${job.first + 1}: ${job.failure}`,
      ),
    ),
  );
  if (lines.length === 0) return null;
  return panel('Jobs with harmed runs', 'Each run of one: --job NUMBER.', h('ul', {class: 'plain-list'}, lines));
}

main.append(
  ...[
    h(
      'div',
      {class: 'hero'},
      h('h1', {tabindex: -1}, headline()),
      h(
        'p',
        {class: 'lead'},
        `${plural(first.profiles, 'made-up job')} of seed ${first.seed}, ${plural(first.runs, 'run')} each, usage every ` +
          `${number(first.sample_seconds)} s${first.driver_metrics ? ', drivers tell' : ''}; each run also as it was ` +
          `submitted. ${count(first.judged.jobs)} of the jobs are steady and lose no executor as submitted.`,
      ),
    ),
    sizes(),
    way(),
    needs(),
    harmed(),
    ending([]),
  ].filter(Boolean),
);
