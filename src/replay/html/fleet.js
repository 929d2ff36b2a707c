// The page of a replayed log: all jobs, or one of them.
const meta = data.meta;
const PAGE = 100; // rows at first, and with every "more"
const jobs = data.jobs.map((job, index) => {
  const row = job.row;
  const title = row.signature + (row.resourceProfile === 0 ? '' : ` (profile ${row.resourceProfile})`);
  return {
    ...job,
    ...row,
    index,
    title,
    text: `${row.namespace}/${title}`.toLowerCase(),
    ooms: row.containerOOMs + row.heapOOMs,
    change: row.requestBytes && row.targetRequestBytes !== null ? row.targetRequestBytes / row.requestBytes - 1 : null,
    hash: '#job=' + [row.namespace, row.signature, row.resourceProfile].map(encodeURIComponent).join('/'),
  };
});
const byHash = new Map(jobs.map(job => [job.hash, job]));
// Rounded down: one that was not covered is never rounded away.
function coveredShare(accuracy) {
  const share = accuracy.coveredRuns / accuracy.runs;
  return percent(share > 0.99 ? share : Math.floor(share * 100) / 100);
}
const inHindsight = accuracy =>
  `Waste ${gibHours(accuracy.wasteGiBHours)}, missing ${gibHours(accuracy.missingGiBHours)}, regret ${gibHours(accuracy.regretGiBHours)}`;
const sizedRuns = accuracy =>
  accuracy.sizedRuns === 0
    ? 'none was sized by it'
    : `${count(accuracy.coveredSizedRuns)} of ${count(accuracy.sizedRuns)} that were sized by it`;
const was = n => (n === 1 ? 'was' : 'were');
// Kills, and whether there was advice that could have spared them.
const unadvised = (kills, early) =>
  early === 0 || kills === 0
    ? ''
    : early === kills
      ? `${kills === 1 ? 'The kill was' : kills === 2 ? 'Both kills were' : `All ${count(kills)} kills were`} in runs that started before there was any advice`
      : `${count(early)} of ${plural(kills, 'kill')} ${was(early)} in runs that started before there was any advice`;
const figure = (job, name, ...shown) => quantity(`${job.index}.${name}`, shown);
const sized = (job, name, bytes) => h('span', {title: exact(bytes)}, figure(job, name, memory(bytes)));
const changeOf = job =>
  job.change === null
    ? '–'
    : h(
        'span',
        {class: job.change > 0.005 ? 'up' : job.change < -0.005 ? 'down' : 'soft'},
        figure(job, 'change', signed(job.change)),
      );
// A job whose request is below its limit: changes compare requests, sizes are limits.
const burst = job => job.targetRequestBytes !== null && job.targetRequestBytes !== job.targetBytes;

// What keeps jobs from coming down further, and what would help.
const LACKS = {
  driver: {
    filter: 'Nothing tells how executors do',
    title: 'of which nothing but the use of memory is known',
    how: 'their event logs, or their drivers, have to tell',
    job: 'Its event log, or its driver, has to tell how its executors do; then a run can try a smaller size.',
  },
  samples: {
    filter: 'Too few samples',
    title: 'with too few samples, or without a heap that shows',
    how: 'more runs, or more frequent samples',
    job: 'Too little is known of it to try a smaller size: it takes more runs, or more frequent samples.',
  },
  success: {
    filter: 'No success seen',
    title: 'whose latest run was not seen to succeed',
    how: 'event logs to their end, or drivers in pods that end well, have to tell',
    job: 'Its latest run was not seen to succeed. An event log to its end, or a driver in a pod that ends well, has to tell how executors did; then a run can try a smaller size.',
  },
  nothing: {
    filter: 'Ready for a trial',
    title: 'with all the evidence that a trial takes',
    how: 'policy adaptive and mode Initial',
    job: 'All that a trial takes is known: with the policy adaptive, in mode Initial, the next run tries a smaller size.',
  },
};
const LEFT = {
  room: 'There is no smaller size left to try.',
  leave: 'Nothing smaller is tried, as spec.explore is false.',
  policy: 'Only the policy adaptive tries smaller sizes.',
};
const lacking = kind => jobs.filter(job => job.evidence.lacks === kind);
const stillAsked = list => list.reduce((sum, job) => sum + job.requestedGibHours - job.savedGibHours, 0);
const badges = job =>
  h(
    'span',
    {class: 'badges'},
    job.ooms > 0 && h('span', {class: 'badge oom'}, plural(job.ooms, 'OOM')),
    job.ooms === 0 &&
      job.atRisk &&
      h('span', {class: 'badge warn', title: 'more is recommended than is asked for'}, 'too small'),
    job.unknownEnds > 0 &&
      h(
        'span',
        {class: 'badge plain', title: 'containers that ended, and nothing tells why'},
        plural(job.unknownEnds, 'unknown end'),
      ),
    job.targetBytes === null && h('span', {class: 'badge plain'}, 'no recommendation yet'),
    job.targetBytes !== null &&
      job.lowConfidence &&
      h(
        'span',
        {class: 'badge warn', title: 'fewer than two executors were sampled three times or more'},
        'low confidence',
      ),
  );

// Request as a bar, the peak as a dot, the recommendation as a stroke; all jobs on one scale would hide the small ones.
function mini(job) {
  const width = 132;
  const most = Math.max(job.requestBytes || 0, job.targetBytes || 0, job.peakBytes || 0, 1);
  const x = bytes => (bytes / most) * (width - 4) + 2;
  return s(
    'svg',
    {class: 'mini', viewBox: `0 0 ${width} 14`, 'aria-hidden': 'true'},
    s('rect', {class: 'b-request', x: 2, y: 4, width: Math.max(1, x(job.requestBytes || 0) - 2), height: 6, rx: 3}),
    job.peakBytes !== null &&
      s('circle', {class: 'dot', cx: Math.max(5, Math.min(width - 5, x(job.peakBytes))), cy: 7, r: 4}),
    job.targetBytes !== null &&
      s('line', {class: 'tick', x1: x(job.targetBytes), x2: x(job.targetBytes), y1: 0, y2: 14}),
  );
}

const columns = [
  {
    title: 'Job',
    left: true,
    class: 'job',
    get: job => job.text,
    show: job => [
      h('a', {href: job.hash, title: shown(job.title).slice(0, 300)}, h('span', {class: 'clamp'}, name(job.title))),
      h('span', {class: 'soft'}, name(job.namespace), ' '),
      badges(job),
    ],
  },
  {
    title: 'Runs',
    class: 'wide',
    first: 'descending',
    get: job => job.applications,
    show: job => count(job.applications),
  },
  {title: 'Executors', class: 'mid', first: 'descending', get: job => job.executors, show: job => count(job.executors)},
  {
    title: 'OOMs',
    class: 'narrow-hide',
    first: 'descending',
    get: job => job.ooms,
    show: job => h('span', {class: job.ooms === 0 ? 'soft' : null}, figure(job, 'ooms', count(job.ooms))),
  },
  {
    title: 'Peak',
    class: 'mid',
    first: 'descending',
    help: 'highest working set of an executor',
    get: job => job.peakBytes,
    show: job => sized(job, 'peak', job.peakBytes),
  },
  {
    title: 'Requested',
    class: 'narrow-hide',
    first: 'descending',
    get: job => job.requestBytes,
    show: job => sized(job, 'request', job.requestBytes),
  },
  {
    title: 'Recommended',
    first: 'descending',
    get: job => job.targetBytes,
    show: job => [
      sized(job, 'target', job.targetBytes),
      burst(job) &&
        h('span', {class: 'soft small line'}, 'request ', sized(job, 'target request', job.targetRequestBytes)),
      h('span', {class: 'soft small line only-narrow'}, 'asked for ', sized(job, 'request', job.requestBytes)),
    ],
  },
  {title: 'Change', get: job => job.change, show: changeOf},
  {title: 'Peak ●  recommended ❘', class: 'wide left', left: true, show: mini},
  {
    title: 'Saves, GiB·h',
    class: 'narrow-hide',
    first: 'descending',
    help: 'what the executors in this log would have needed less at this recommendation; negative: more',
    get: job => (job.targetBytes === null ? null : job.savedGibHours),
    show: job => (job.targetBytes === null ? '–' : figure(job, 'saved', significant(job.savedGibHours))),
  },
];
const FILTERS = {
  all: ['All jobs', () => true],
  risk: ['At risk', job => job.atRisk],
  less: ['Could be smaller', job => job.change !== null && job.change < -0.005],
  sure: ['Well observed', job => !job.lowConfidence],
  unsure: ['Low confidence', job => job.lowConfidence],
};
for (const [kind, {filter}] of Object.entries(LACKS))
  if (lacking(kind).length > 0) FILTERS[kind] = [`Further down: ${filter.toLowerCase()}`, job => job.evidence.lacks === kind];
const state = {query: '', filter: 'all', scroll: 0};
let list = jobs;
let limit = PAGE;
const jobTable = sortable(
  columns,
  () => {
    const query = state.query.trim().toLowerCase().split(/\s+/);
    list = jobs.filter(job => FILTERS[state.filter][1](job) && query.every(word => job.text.includes(word)));
    return list;
  },
  {
    by: columns.length - 1,
    down: true,
    caption: 'Jobs and what is recommended for them',
    open: job => {
      location.hash = job.hash;
    },
    render: renderRows,
  },
);
const tally = h('span', {class: 'count', role: 'status'});
const more = h('p', {class: 'empty more-rows'});
function renderRows() {
  list = jobTable.state.rows;
  jobTable.body.replaceChildren(...list.slice(0, limit).map(jobTable.line));
  tally.textContent =
    list.length === jobs.length ? plural(jobs.length, 'job') : `${count(list.length)} of ${plural(jobs.length, 'job')}`;
  const left = list.length - limit;
  more.replaceChildren(
    ...(left > 0
      ? [
          h(
            'button',
            {type: 'button', class: 'quiet', onclick: () => grow(PAGE)},
            `Show ${count(Math.min(PAGE, left))} more`,
          ),
          '  ',
          h('button', {type: 'button', class: 'quiet', onclick: () => grow(left)}, `Show all ${count(list.length)}`),
        ]
      : list.length === 0
        ? ['No job matches.']
        : []),
  );
  more.hidden = more.childNodes.length === 0;
}
function grow(by) {
  const from = limit;
  limit += by;
  renderRows();
  jobTable.body.rows[from].querySelector('a').focus();
}
const search = h('input', {
  type: 'search',
  placeholder: 'Search jobs and namespaces',
  'aria-label': 'search jobs and namespaces',
  oninput: () => {
    state.query = search.value;
    limit = PAGE;
    jobTable.order();
  },
});
const filter = h(
  'select',
  {
    'aria-label': 'which jobs',
    onchange: () => {
      state.filter = filter.value;
      limit = PAGE;
      jobTable.order();
    },
  },
  Object.entries(FILTERS).map(([key, [title]]) => h('option', {value: key}, title)),
);

// On narrow screens, where most columns are hidden.
const sorter = h(
  'select',
  {
    class: 'only-narrow',
    'aria-label': 'sort by',
    onchange: () => {
      const by = Number(sorter.value);
      jobTable.sortBy(by, columns[by].first === 'descending');
    },
  },
  columns.map((column, i) =>
    column.show === mini ? null : h('option', {value: i, selected: i === columns.length - 1}, `By ${column.title}`),
  ),
);
function showOnly(kind) {
  filter.value = state.filter = kind;
  limit = PAGE;
  jobTable.order();
  filter.focus();
}

// Of all that was requested; negative where more is needed.
function netShare(sum) {
  const net = sum.lessGibHours - sum.moreGibHours;
  return significant(net) === '0' ? 0 : net / sum.requestedGibHours;
}
function headline(sum) {
  if (sum.signatures === 0) return 'No executor with a signature was seen';
  const net = netShare(sum);
  const scope = sum.signatures === 1 ? 'This job' : `These ${count(sum.signatures)} jobs`;
  if (net >= 0.005) return [`${scope} could run on `, quantity('net', percent(net)), ' less executor memory'];
  if (net <= -0.005) return [`${scope} should ask for `, quantity('net', percent(-net)), ' more executor memory'];
  return `${scope} ask${sum.signatures === 1 ? 's' : ''} for about what ${sum.signatures === 1 ? 'it needs' : 'they need'}`;
}

function netCard(sum) {
  const net = netShare(sum);
  return card(
    net < 0 ? 'Is missing' : 'Could be saved',
    sum.requestedGibHours > 0 ? quantity('net', percent(Math.abs(net))) : '–',
    '',
    [
      `of the requested memory, had all been sized as is recommended now: ${gibHours(sum.lessGibHours)} less`,
      significant(sum.moreGibHours) !== '0' ? `, and ${gibHours(sum.moreGibHours)} more for jobs that need it` : '',
    ],
    net > 0 ? 'good' : '',
  );
}

function killsCard(sum) {
  const kills = sum.containerOOMs + sum.heapOOMs;
  const spared = unadvised(kills, sum.unadvisedOOMs);
  return card(
    'OOM kills',
    count(kills),
    '',
    kills === 0
      ? 'no executor ran out of memory'
      : `in ${plural(sum.withOOMs, 'job')}: ${count(sum.containerOOMs)} by the kernel, ${count(sum.heapOOMs)} in the Java heap.${spared && ` ${spared}.`}`,
    kills > 0 ? 'bad' : '',
  );
}

function coveredCard(sum) {
  const accuracy = sum.accuracy;
  if (!accuracy) return card('Covered by advice', '–', '', 'no run that started with advice is over yet');
  const spared = sum.unadvisedOOMs > 0 && accuracy.unadvisedRuns > 0;
  return card(
    'Covered by advice',
    coveredShare(accuracy),
    '',
    `of ${plural(accuracy.runs, 'run')} that started with advice and ${accuracy.runs === 1 ? 'is' : 'are'} over; ${sizedRuns(accuracy)}` +
      (spared
        ? `. ${plural(accuracy.unadvisedRuns, 'run')} without advice, with ${plural(sum.unadvisedOOMs, 'kill')}, ${accuracy.unadvisedRuns === 1 ? 'does' : 'do'} not count`
        : ''),
  );
}

// Which jobs would come down further, and what that takes.
function furtherPanel() {
  const kinds = Object.entries(LACKS)
    .map(([kind, words]) => ({kind, words, found: lacking(kind)}))
    .filter(({found}) => found.length > 0)
    .sort((a, b) => stillAsked(b.found) - stillAsked(a.found));
  if (kinds.length === 0) return null;
  const all = kinds.flatMap(({found}) => found);
  const most = list =>
    [...list].sort((a, b) => stillAsked([b]) - stillAsked([a]) || a.index - b.index).slice(0, 5);
  return panel(
    all.length === jobs.length
      ? `${jobs.length === 1 ? 'It' : 'They'} may come down further, with evidence`
      : `${count(all.length)} of ${plural(jobs.length, 'job')} may come down further, with evidence`,
    [
      'A size below what runs have shown to be enough is not guessed: an executor of a run tries it, and its driver or its event log tells how it did. ',
      `In this log ${all.length === 1 ? 'it' : 'they'} would have asked for ${gibHours(stillAsked(all))} at the sizes recommended here; how much less is enough only a trial tells.`,
    ],
    h(
      'ul',
      {class: 'lacks'},
      kinds.map(({kind, words, found}) =>
        h(
          'li',
          {},
          h('b', {}, plural(found.length, 'job')),
          ` ${words.title} (${gibHours(stillAsked(found))}): ${words.how}.`,
          h(
            'span',
            {class: 'chips'},
            most(found).map(job => h('a', {class: 'chip', href: job.hash}, h('span', {class: 'cut-off'}, name(job.title)))),
            (found.length > 5 || found.length < jobs.length) &&
              h(
                'button',
                {type: 'button', class: 'chip', onclick: () => showOnly(kind)},
                found.length > 5 ? `All ${count(found.length)} in the table` : 'In the table',
              ),
          ),
        ),
      ),
    ),
    h(
      'details',
      {class: 'how'},
      h('summary', {}, 'How to get evidence'),
      h('h3', {}, 'From event logs, of runs that are over'),
      h('p', {}, 'Spark writes them where spark.eventLog.enabled is true. The page of such a log says for each job what it lacks.'),
      code(
        'commands for event logs',
        'sparkfit import eventlog /spark-events --output past.ndjson.gz\nsparkfit replay past.ndjson.gz --policy adaptive --html past.html',
      ),
      h('p', {}, 'Two settings of the jobs make later logs tell the memory that executors used, too:'),
      code(
        'settings for event logs',
        '--conf spark.executor.processTreeMetrics.enabled=true \\\n--conf spark.eventLog.logStageExecutorMetrics=true',
      ),
      h('h3', {}, 'From drivers, of runs to come'),
      h(
        'p',
        {},
        'The controller asks them with driverMetrics=observed, as the chart sets it in autoscale mode; with optIn those of jobs that say',
      ),
      code('setting for drivers', '--conf spark.kubernetes.driver.annotation.sparkfit.io/driver-metrics=true'),
      h('h3', {}, 'Then a trial'),
      h(
        'p',
        {},
        'Controller and job in mode Initial, and the policy adaptive: one executor of the next run gets a smaller heap, and what does well is everybody’s in a later one.',
      ),
      code(
        'settings for trials',
        '--conf spark.kubernetes.executor.annotation.sparkfit.io/policy=adaptive \\\n--conf spark.kubernetes.executor.annotation.sparkfit.io/mode=Initial',
      ),
    ),
  );
}

// Where there is nothing to report, what to do about it.
const nothing = () =>
  panel(
    'What this takes',
    null,
    h(
      'ul',
      {class: 'plain-list'},
      h(
        'li',
        {},
        'Executors are recognised by the label or annotation ',
        h('code', {}, 'sparkfit.io/signature'),
        ', or EMR’s ',
        h('code', {}, 'emr-containers.amazonaws.com/dynamic.sizing.signature'),
        ', on their pods or on their driver.',
      ),
      h(
        'li',
        {},
        'Jobs without one get it from their labels, where rules say how: ',
        h('code', {}, '--derived-signatures scheduled-app-name,airflow'),
        '.',
      ),
      h('li', {}, 'With ', h('code', {}, '--namespace'), ' or ', h('code', {}, '--signature'), ' only what they name is here.'),
      meta.notes.map(note => h('li', {}, h('b', {}, 'Not used: '), name(note))),
    ),
  );

function overview() {
  const sum = data.summary;
  const accuracy = sum.accuracy;
  document.title = 'Executor memory report · sparkfit';
  const hero = lead =>
    h('div', {class: 'hero'}, h('h1', {tabindex: -1}, headline(sum)), lead && h('p', {class: 'lead'}, lead));
  if (sum.signatures === 0) return [hero(null), nothing(), ending([])];
  const period = meta.from === null ? '' : `Seen ${between(meta.from, meta.until)}. `;
  const lead =
    `${period}Executors asked for ${gibHours(sum.requestedGibHours)} of memory and would have fitted into ${gibHours(sum.usedGibHours)} had everybody known their peaks. ` +
    'Recommendations keep a margin above the peaks; each says below how it came about.';
  const notOver = accuracy
    ? sum.applications - accuracy.runs - accuracy.unadvisedRuns - accuracy.unknownRuns
    : 0;
  const cards = h(
    'div',
    {class: 'cards'},
    netCard(sum),
    card(
      'Savings on record',
      significant(sum.savings.possible),
      'GiB·h',
      `possible with the advice that each run started with, not with today’s; ${gibHours(sum.savings.realised)} realised, ${gibHours(sum.savings.extra)} given on top`,
    ),
    killsCard(sum),
    card(
      'Jobs at risk',
      count(sum.atRisk),
      `of ${count(sum.signatures)}`,
      'ran out of memory here, or ask for less than is recommended',
    ),
    coveredCard(sum),
    card(
      'Observed',
      count(sum.executors),
      sum.executors === 1 ? 'executor' : 'executors',
      `${plural(sum.applications, 'run')} of ${plural(sum.signatures, 'job')}` +
        (sum.lowConfidence > 0 ? `; ${plural(sum.lowConfidence, 'job')} with thin evidence` : ''),
    ),
  );
  const table = h(
    'section',
    {class: 'jobs', 'aria-label': 'jobs'},
    h('div', {class: 'tools'}, search, filter, sorter, tally),
    h('div', {class: 'panel panel-table'}, jobTable.table, more),
  );
  const reading = panel(
    'How to read this',
    null,
    h(
      'ul',
      {class: 'plain-list'},
      h(
        'li',
        {},
        h('b', {}, 'Recommended '),
        'is the size of an executor, heap and overhead together, as of the end of the log.',
      ),
      h(
        'li',
        {},
        h('b', {}, 'Saves '),
        'compares it with what was requested, over the lifetimes of the executors that ended in this log.',
      ),
      h(
        'li',
        {},
        h('b', {}, 'Savings on record '),
        'are with the advice that was in force when an executor started, not with today’s: possible where an executor had the size that was submitted, realised where it was sized by sparkfit, given on top where more was advised than requested. The first run of a job had no advice yet.',
      ),
      h(
        'li',
        {},
        h('b', {}, 'Past advice: '),
        'a run is covered if none of its executors needed more than was recommended when it started. ' +
          (accuracy
            ? `${plural(accuracy.unadvisedRuns, 'run')} started before there was any advice` +
              (accuracy.unknownRuns > 0
                ? `; of ${plural(accuracy.unknownRuns, 'run')} the need is not known (never sampled, or killed with less than was advised)`
                : '') +
              (notOver > 0 ? `; ${plural(notOver, 'run')} ${notOver === 1 ? 'is' : 'are'} not over` : '') +
              `. ${inHindsight(accuracy)}. `
            : '') +
          'Waste is what would have been allocated and not used; missing, what was needed on top; regret, what it cost above the best size of each run, which is known only afterwards.',
      ),
      h(
        'li',
        {},
        h('b', {}, 'Low confidence '),
        'means that fewer than two executors were sampled three times or more: the size may still change much.',
      ),
      h('li', {}, h('b', {}, 'Policy: '), breakable(meta.policies.join('; ') || 'none')),
      meta.notes.map(note => h('li', {}, h('b', {}, 'Not used: '), name(note))),
    ),
  );
  return [hero(lead), cards, furtherPanel(), table, reading, ending([])];
}

// What happened, interval by interval; values hold until the next change.
function unpack(job) {
  const {width, steps, used, size, target, ooms} = job.timeline;
  const points = [];
  let index = 0;
  for (let i = 0; i < steps.length; ++i) {
    index += steps[i];
    points.push({start: index * width, end: (index + 1) * width, used: used[i], size: 0, target: 0, ooms: null});
  }
  for (const [changes, field] of [
    [size, 'size'],
    [target, 'target'],
  ]) {
    changes.forEach(([from, value], i) => {
      const to = i + 1 < changes.length ? changes[i + 1][0] : points.length;
      for (let j = from; j < to; ++j) points[j][field] = value;
    });
  }
  for (const [i, containers, heaps] of ooms) points[i].ooms = [containers, heaps];
  return points;
}
const oomText = ooms =>
  [ooms[0] > 0 && `${plural(ooms[0], 'container')} OOM-killed`, ooms[1] > 0 && `${plural(ooms[1], 'heap')} exhausted`]
    .filter(Boolean)
    .join(', ');

// Places for times: runs that are far apart stand side by side, with what is between them cut out.
function layOut(points, width, left, right) {
  const steps = points
    .slice(1)
    .map((point, i) => point.start - points[i].start)
    .sort((a, b) => a - b);
  const usual = steps.length > 0 ? steps[Math.floor(steps.length * 0.75)] : 0;
  const pause = Math.max(120, 6 * width, Math.min(4 * usual, 1800));
  const groups = [];
  points.forEach((point, i) => {
    if (i === 0 || point.start - points[i - 1].end > pause) groups.push({from: i, start: point.start});
    Object.assign(groups[groups.length - 1], {to: i, end: point.end});
  });
  const span = points[points.length - 1].end - points[0].start;
  const active = groups.reduce((sum, group) => sum + group.end - group.start, 0);
  const gap = groups.length > 12 ? 5 : 20;
  const room = right - left - gap * (groups.length - 1);
  const cut = groups.length > 1 && active < span * 0.5 && room > groups.length * 4;
  if (!cut)
    return {
      groups: [
        {from: 0, to: points.length - 1, start: points[0].start, end: points[points.length - 1].end, left, right},
      ],
      lines: groups,
      cut,
      left,
      right,
    };
  // Short runs get a little more than their share, so that they can be seen.
  const weights = groups.map(group => Math.max(group.end - group.start, (active / groups.length) * 0.2));
  const total = weights.reduce((a, b) => a + b, 0);
  let x = left;
  groups.forEach((group, i) => {
    group.left = x;
    group.right = x + (room * weights[i]) / total;
    x = group.right + gap;
  });
  return {groups, lines: groups, cut, left, right};
}

function timeChart(job, points) {
  return chart(
    `Memory of the executors of ${shown(job.title)} over time: highest use, size and recommendation`,
    width => {
      const height = width < 560 ? 250 : 300;
      const right = width - 12,
        top = 20,
        bottom = height - 38;
      const target = job.targetBytes === null ? 0 : Math.ceil(job.targetBytes / MIB);
      const most = Math.max(target, ...points.map(point => Math.max(point.used, point.size, point.target)));
      const ticks = marks(most * 1.04, 7, true);
      const ceiling = ticks[ticks.length - 1];
      const left = roomFor(ticks.map(tick => memoryMark(tick, most)));
      const plan = layOut(points, job.timeline.width, left, right);
      const y = mib => bottom - (mib / ceiling) * (bottom - top);
      const svg = frame(width, height);
      for (const tick of ticks)
        svg.append(
          s('line', {class: tick === 0 ? 'base' : 'axis', x1: left, x2: right, y1: y(tick), y2: y(tick)}),
          words(left - 8, y(tick) + 4, memoryMark(tick, most), 'end'),
        );
      const stops = [];
      const times = [];
      const long = points[points.length - 1].end - points[0].start > 86400;
      plan.groups.forEach((group, i) => {
        if (plan.cut && i > 0) {
          const x = (group.left + plan.groups[i - 1].right) / 2;
          svg.append(s('line', {class: 'cut', x1: x, x2: x, y1: top, y2: bottom}));
        }
        times.push([group.left, long ? `${day(group.start)} ${clock(group.start)}` : clock(group.start, plan.cut)]);
        if (plan.cut) return;
        const wanted = Math.floor((right - left) / 160);
        for (let k = 1; k <= wanted; ++k) {
          const time = group.start + ((group.end - group.start) * k) / wanted;
          times.push([
            group.left + ((group.right - group.left) * k) / wanted,
            long ? `${day(time)} ${clock(time)}` : clock(time, group.end - group.start < 600),
          ]);
        }
      });
      below(svg, width, bottom + 18, times);
      // Lines per stretch without a longer pause.
      const xOf = time => {
        const group = plan.groups.find(g => time <= g.end) || plan.groups[plan.groups.length - 1];
        return group.left + (Math.max(0, time - group.start) / (group.end - group.start)) * (group.right - group.left);
      };
      // A value holds until the next one of its stretch, the last one for its own interval.
      const pieces = field =>
        plan.lines.flatMap(group => {
          const known = points.slice(group.from, group.to + 1).filter(point => point[field] > 0);
          return known.map((point, i) => ({
            joins: i > 0,
            from: xOf(point.start).toFixed(1),
            to: xOf(i + 1 < known.length ? known[i + 1].start : point.end).toFixed(1),
            y: y(point[field]).toFixed(1),
          }));
        });
      const draw = (field, kind) =>
        svg.append(
          s('path', {
            class: kind,
            d: pieces(field)
              .map(piece => `${piece.joins ? 'V' : `M${piece.from} `}${piece.y}H${piece.to}`)
              .join(''),
          }),
        );
      svg.append(
        s('path', {
          class: 'a-used',
          d: pieces('used')
            .map(piece => `M${piece.from} ${bottom}V${piece.y}H${piece.to}V${bottom}Z`)
            .join(''),
        }),
      );
      draw('used', 's-used');
      draw('size', 's-size');
      draw('target', 's-target');
      points.forEach(point => {
        const x = (xOf(point.start) + xOf(point.end)) / 2;
        if (point.ooms)
          svg.append(
            s('path', {class: 'oom-mark', d: `M${x - 5} ${y(point.size || point.used) - 5}l10 10m0 -10l-10 10`}),
          );
        stops.push({x, value: point});
      });
      if (target > 0) svg.append(s('circle', {cx: right, cy: y(target), r: 4, class: 'p1 shade'}));
      return {
        svg,
        stops,
        tip: point => [
          `${day(point.start)} ${clock(point.start, true)}`,
          point.used > 0 ? `used ${amount(point.used)}` : 'no sample',
          `size ${point.size > 0 ? amount(point.size) : 'unknown'}`,
          point.target > 0 ? `recommended ${amount(point.target)}` : 'no recommendation yet',
          ...(point.ooms ? [oomText(point.ooms)] : []),
        ],
      };
    },
  );
}

const swatch = (kind, text) =>
  h(
    'span',
    {},
    s('svg', {width: 22, height: 10, 'aria-hidden': 'true'}, s('line', {class: kind, x1: 0, x2: 22, y1: 5, y2: 5})),
    text,
  );
const block = (kind, text) =>
  h(
    'span',
    {},
    s('svg', {width: 14, height: 12, 'aria-hidden': 'true'}, s('rect', {class: kind, width: 14, height: 12, rx: 2})),
    text,
  );

// As explanations give them: tenths, unless it is whole.
const tenths = bytes => number(bytes / MIB, bytes % MIB ? 1 : 0) + '\u00a0MiB';

function peaksChart(job) {
  const {first, shares} = job.peaks;
  const policy = /^[a-z]+/.exec(meta.policies[job.policy])[0];
  const share = /percentile=([0-9.]+)/.exec(meta.policies[job.policy]);
  const basisName =
    policy === 'percentile' && share
      ? `p${Math.round(share[1] * 1000) / 10}, the upper edge of its bucket,`
      : policy === 'request'
        ? 'submitted'
        : 'largest';
  const bars = shares
    .map((part, i) => ({
      low: meta.buckets[first + i] / MIB,
      high: (meta.buckets[first + i + 1] || meta.buckets[first + i] * 1.05) / MIB,
      part,
    }))
    .filter(bar => bar.part > 0);
  const lines = [
    job.basisBytes !== null && {
      at: job.basisBytes / MIB,
      kind: 's-basis',
      text: `${basisName} ${tenths(job.basisBytes)}`,
    },
    job.uncappedBytes !== null &&
      job.uncappedBytes !== job.targetBytes && {
        at: job.uncappedBytes / MIB,
        kind: 's-margin',
        text: `${policy === 'request' ? 'policy' : 'with margin'} ${memory(job.uncappedBytes)}`,
      },
    job.targetBytes !== null && {
      at: job.targetBytes / MIB,
      kind: 's-target',
      text: `recommended ${memory(job.targetBytes)}`,
    },
    job.requestBytes !== null && {
      at: job.requestBytes / MIB,
      kind: 's-size',
      text: `requested ${memory(job.requestBytes)}`,
    },
  ]
    .filter(Boolean)
    .sort((a, b) => a.at - b.at);
  const drawn = chart(`Distribution of the executor peaks of ${shown(job.title)}`, width => {
    const height = width < 420 ? 210 : 232;
    const left = 50,
      right = width - 14,
      top = 12,
      bottom = height - 30;
    const all = [...bars.flatMap(bar => [bar.low, bar.high]), ...lines.map(line => line.at)];
    const low = Math.min(...all),
      high = Math.max(...all);
    const from = Math.max(0, low - (high - low) * 0.12),
      to = high + (high - low) * 0.06 || high * 1.1;
    const x = mib => left + ((mib - from) / (to - from)) * (right - left);
    const ticks = marks(Math.max(...bars.map(bar => bar.part), 0.01) * 100, 4, false);
    const y = part => bottom - ((part * 100) / ticks[ticks.length - 1]) * (bottom - top);
    const svg = frame(width, height);
    for (const tick of ticks)
      svg.append(
        s('line', {class: tick === 0 ? 'base' : 'axis', x1: left, x2: right, y1: y(tick / 100), y2: y(tick / 100)}),
        words(left - 7, y(tick / 100) + 4, tick + '\u00a0%', 'end'),
      );
    if (
      policy !== 'request' &&
      job.basisBytes !== null &&
      job.uncappedBytes !== null &&
      job.uncappedBytes > job.basisBytes
    ) {
      svg.append(
        s('rect', {
          class: 'a-margin',
          x: x(job.basisBytes / MIB),
          width: x(job.uncappedBytes / MIB) - x(job.basisBytes / MIB),
          y: top,
          height: bottom - top,
        }),
      );
    }
    const stops = bars.map(bar => {
      const x1 = x(bar.low),
        x2 = x(bar.high);
      svg.append(
        s('rect', {
          class: 'b-peak',
          x: x1 + 0.5,
          width: Math.max(1, x2 - x1 - 1),
          y: y(bar.part),
          height: bottom - y(bar.part),
        }),
      );
      return {x: (x1 + x2) / 2, value: bar};
    });
    for (const line of lines)
      svg.append(s('line', {class: line.kind, x1: x(line.at), x2: x(line.at), y1: top - 8, y2: bottom}));
    const step = marks(to - from, width < 420 ? 3 : 5, true)[1];
    const sizes = [];
    for (let mib = Math.ceil(from / step) * step; mib <= to; mib += step) {
      svg.append(s('line', {class: 'base', x1: x(mib), x2: x(mib), y1: bottom, y2: bottom + 4}));
      sizes.push([x(mib), memoryMark(mib, high)]);
    }
    below(svg, width, bottom + 18, sizes);
    return {
      svg,
      stops,
      tip: bar => [`${amount(bar.low)} to ${amount(bar.high)}`, `${percent(bar.part)} of the weight of all peaks`],
    };
  });
  return [
    h(
      'div',
      {class: 'legend'},
      block('b-peak', 'executor peaks, weighted by age'),
      job.basisBytes !== null && policy !== 'request' && block('a-margin', 'margin'),
      lines.map(line => swatch(line.kind, line.text)),
    ),
    drawn,
    asTable('Distribution of executor peaks', ['From', 'To', 'Share of weight'], () =>
      bars.map(bar => [amount(bar.low), amount(bar.high), percent(bar.part)]),
    ),
  ];
}

function sizeBars(job) {
  const parts = [
    job.requestBytes !== null && ['requested', [['b-request', job.requestBytes]]],
    job.targetBytes !== null && [
      'recommended',
      job.heapBytes === null
        ? [['b-heap', job.targetBytes]]
        : [
            ['b-heap', job.heapBytes],
            ['b-overhead', job.overheadBytes],
          ],
    ],
    job.peakBytes !== null && ['highest peak', [['b-used', job.peakBytes]]],
  ].filter(Boolean);
  const sumOf = blocks => blocks.reduce((sum, [, bytes]) => sum + bytes, 0);
  const most = Math.max(...parts.map(([, blocks]) => sumOf(blocks)));
  return chart(
    parts.map(([title, blocks]) => `${title} ${blocks.map(([, bytes]) => memory(bytes)).join(' + ')}`).join(', '),
    width => {
      const left = roomFor(parts.map(([title]) => title)) + 2,
        room = Math.max(...parts.map(([, blocks]) => measure(memory(sumOf(blocks)), true))) + 14,
        scale = (width - left - room) / most;
      const svg = frame(width, parts.length * 26);
      parts.forEach(([title, blocks], i) => {
        let x = left;
        svg.append(words(left - 10, i * 26 + 17, title, 'end'));
        for (const [kind, bytes] of blocks) {
          svg.append(
            s('rect', {class: kind, x, y: i * 26 + 5, width: Math.max(1, bytes * scale - 1), height: 16, rx: 3}),
          );
          x += bytes * scale;
        }
        svg.append(
          words(x + 8, i * 26 + 17, memory(sumOf(blocks)), 'start', 'strong'),
        );
      });
      return {svg};
    },
  );
}

function runsPanel(job) {
  const accuracy = job.accuracy;
  const verdict = ([, executors, , target, peak, , outcome, lacking]) =>
    ({
      unadvised: () => h('span', {class: 'soft'}, 'no advice yet'),
      unknown: () => h('span', {class: 'badge warn'}, peak === 0 ? 'not sampled' : 'not known'),
      covered: () => h('span', {class: 'down'}, `covered, ${percent(Math.max(0, 1 - peak / target))} to spare`),
      lacking: () => h('span', {class: 'badge oom'}, `${count(lacking)} of ${count(executors)} needed more`),
    })[outcome]?.() ?? h('span', {class: 'soft'}, 'not over');
  const runs = [...job.runs].reverse();
  const table = sortable(
    [
      {title: 'Run started, UTC', left: true, get: run => run[0], show: run => `${day(run[0])} ${clock(run[0], true)}`},
      {title: 'Executors', class: 'narrow-hide', first: 'descending', get: run => run[1], show: run => count(run[1])},
      {
        title: 'Requested',
        class: 'mid',
        first: 'descending',
        get: run => run[2],
        show: run => (run[2] ? amount(run[2]) : '–'),
      },
      {title: 'Advised', first: 'descending', get: run => run[3], show: run => (run[3] ? amount(run[3]) : '–')},
      {
        title: 'Needed',
        class: 'narrow-hide',
        first: 'descending',
        get: run => run[4],
        show: run => (run[4] ? amount(run[4]) : '–'),
      },
      {title: 'OOMs', class: 'narrow-hide', first: 'descending', get: run => run[5], show: run => count(run[5])},
      {title: 'The advice', left: true, class: 'verdict', show: verdict},
    ],
    () => runs,
    {by: 0, down: true, stack: true, caption: 'Runs, what was advised before each and what it needed'},
  );
  table.order();
  const sub =
    (accuracy
      ? `${count(accuracy.coveredRuns)} of ${plural(accuracy.runs, 'run')} that started with advice ${was(accuracy.coveredRuns)} covered (${sizedRuns(accuracy)}). ${inHindsight(accuracy)}. ` +
        (accuracy.unknownRuns > 0 ? `Of ${plural(accuracy.unknownRuns, 'run')} the need is not known. ` : '')
      : 'No run that started with advice, and whose need is known, is over yet. ') +
    (job.unadvisedOOMs > 0 ? `${unadvised(job.ooms, job.unadvisedOOMs)}. ` : '') +
    (job.applications > runs.length ? `The latest ${runs.length} of ${count(job.applications)} runs are listed.` : '');
  return panel('Past advice against what was needed', sub, table.table);
}

// Text to copy, a shell's or Spark's.
function code(label, text) {
  const box = h('pre', {class: 'conf', tabindex: 0, role: 'region', 'aria-label': label}, text);
  const button = h('button', {type: 'button', class: 'quiet', onclick: () => copyText(text, box, button)}, 'Copy');
  return h('div', {class: 'copy'}, box, button);
}

async function copyText(text, source, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    try {
      document.execCommand('copy');
    } catch {
      /* it is selected, to be copied by hand */
    }
  }
  button.textContent = 'Copied';
  live.textContent = 'copied';
  setTimeout(() => {
    button.textContent = 'Copy';
  }, 1600);
}

// "2 GiB of heap in executor 1, in mode Initial"
const trialText = next =>
  `${memory(next.bytes)} ${next.part === 'heap' ? 'of heap' : 'outside of the heap'} in ${next.executors === 1 ? 'executor 1' : `executors 1 to ${count(next.executors)}`}, in mode Initial`;

function settingsPanel(job) {
  if (job.settings === null)
    return panel(
      'Settings',
      job.targetBytes === null
        ? 'Nothing is recommended yet.'
        : 'The pods do not show how their memory is split into heap and overhead, so the total cannot be written as settings.',
    );
  return panel(
    'Settings for spark-submit',
    `Heap ${memory(job.heapBytes)} and overhead ${memory(job.overheadBytes)}${job.overheadFollows ? ', which Spark adds by itself' : ''}.`,
    code('spark-submit settings', job.settings),
    !job.overheadFollows && h('p', {class: 'soft small apart'}, 'Note: ' + meta.overheadNote + '.'),
    job.targetRequestBytes < job.targetBytes &&
      h(
        'p',
        {class: 'soft small apart'},
        `Note: the recommended request is ${memory(job.targetRequestBytes)}, but Spark cannot express it: with these settings request and limit are ${memory(job.targetBytes)}, whatever a pod template says.`,
      ),
  );
}

const unrounded = bytes =>
  bytes !== null && bytes / MIB >= HARD && h('div', {class: 'soft small'}, inMiB(bytes / MIB));
// Amounts in a sentence that are hard to read in MiB are given in GiB, too, where they come first.
function readableText(text) {
  const told = new Set();
  return shown(text).replace(/([0-9][0-9,]*(?:\.[0-9]+)?) MiB/g, (all, digits) => {
    const mib = Number(digits.replaceAll(',', ''));
    if (mib < HARD || told.has(digits)) return all;
    told.add(digits);
    return `${all} (${inGiB(mib)})`;
  });
}

function jobPage(job) {
  const position = list.indexOf(job);
  const to = (other, text, label) =>
    other ? h('a', {class: 'button', href: other.hash, 'aria-label': label}, text) : null;
  const points = unpack(job);
  const crumbs = h(
    'nav',
    {class: 'crumbs', 'aria-label': 'jobs'},
    h('a', {class: 'button', href: '#'}, '← All jobs'),
    h('span', {class: 'push'}),
    to(list[position - 1], '‹ Previous', 'previous job'),
    position >= 0 && h('span', {class: 'soft small'}, `${count(position + 1)} of ${count(list.length)}`),
    to(list[position + 1], 'Next ›', 'next job'),
  );
  const values = h(
    'div',
    {class: 'sizes'},
    h(
      'div',
      {title: exact(job.requestBytes)},
      h('div', {class: 'label'}, 'Requested'),
      h('div', {class: 'value'}, figure(job, 'request', memory(job.requestBytes))),
      unrounded(job.requestBytes),
      job.submittedLimitBytes !== null &&
        job.requestBytes !== null &&
        job.submittedLimitBytes !== job.requestBytes &&
        h('div', {class: 'soft small'}, `limit ${memory(job.submittedLimitBytes)}`),
    ),
    h(
      'div',
      {class: 'now', title: exact(job.targetBytes)},
      h('div', {class: 'label'}, 'Recommended'),
      h(
        'div',
        {class: 'value'},
        figure(job, 'target', memory(job.targetBytes)),
        ' ',
        job.change === null ? '' : h('small', {}, figure(job, 'change', signed(job.change))),
      ),
      unrounded(job.targetBytes),
      burst(job) &&
        h('div', {class: 'soft small'}, 'limit; request ', figure(job, 'target request', memory(job.targetRequestBytes))),
    ),
    h(
      'div',
      {title: exact(job.peakBytes)},
      h('div', {class: 'label'}, 'Highest peak'),
      h('div', {class: 'value'}, figure(job, 'peak', memory(job.peakBytes))),
      unrounded(job.peakBytes),
    ),
    h(
      'div',
      {},
      h('div', {class: 'label'}, 'Out of memory'),
      h('div', {class: 'value'}, figure(job, 'ooms', count(job.ooms)), ' ', h('small', {}, job.ooms === 1 ? 'kill' : 'kills')),
    ),
    job.targetBytes !== null &&
      Math.abs(job.savedGibHours) >= 0.001 &&
      h(
        'div',
        {},
        h('div', {class: 'label'}, job.savedGibHours >= 0 ? 'Would have saved' : 'Would have added'),
        h(
          'div',
          {class: 'value'},
          job.savedGibHours >= 0
            ? figure(job, 'saved', significant(job.savedGibHours))
            : significant(-job.savedGibHours),
          ' ',
          h('small', {}, 'GiB·h'),
        ),
        h('div', {class: 'soft small'}, 'of all its executors here'),
      ),
  );
  const thin =
    job.lowConfidence &&
    h(
      'p',
      {class: 'note', role: 'note'},
      job.targetBytes === null
        ? 'No executor of this job was sampled yet: they may live too short for the usage source, or its event log does not tell what they used (spark.executor.processTreeMetrics.enabled).'
        : 'Thin evidence: fewer than two executors were sampled three times or more. The size may still change much; at admission it would only ever raise a request.',
    );
  const [none, few, many] = job.sampled;
  const facts = h(
    'dl',
    {class: 'facts'},
    [
      [
        'Lower and upper end',
        job.targetBytes === null
          ? '–'
          : job.lowerBytes === job.upperBytes
            ? `both ${memory(job.lowerBytes)}`
            : `${memory(job.lowerBytes)}, ${memory(job.upperBytes)}`,
      ],
      ['Policy alone', memory(job.uncappedBytes)],
      [
        'Heap + overhead',
        job.heapBytes === null ? 'not shown by the pods' : `${memory(job.heapBytes)} + ${memory(job.overheadBytes)}`,
      ],
      ['Runs, executors', `${count(job.applications)}, ${count(job.executors)}`],
      ['Executors sampled', `${count(many)} three times or more, ${count(few)} once or twice, ${count(none)} never`],
      [
        'OOM kills',
        `${count(job.containerOOMs)} by the kernel, ${count(job.heapOOMs)} in the Java heap` +
          (job.lastOOM === null ? '' : `; last ${moment(job.lastOOM)}`),
      ],
      job.unknownEnds > 0 && [
        'Ends of unknown cause',
        `${plural(job.unknownEnds, 'container')}: nothing tells why they ended, and they raise nothing`,
      ],
      [
        'Known of its runs',
        job.evidence.told > 0
          ? `use of memory, and of ${plural(job.evidence.told, 'run')} how executors did`
          : few + many > 0
            ? 'use of memory alone'
            : 'no use of memory',
      ],
      ['What peaks tell', job.evidence.peaks],
      job.next !== null
        ? ['The next run tries', trialText(job.next)]
        : ['Further down', (LACKS[job.evidence.lacks] || {job: LEFT[job.evidence.lacks]}).job],
      [
        'Advice of the time',
        `possible ${gibHours(job.savings.possible)}, realised ${gibHours(job.savings.realised)}, given on top ${gibHours(job.savings.extra)}`,
      ],
      ['Last sample', job.lastSample === null ? 'never' : moment(job.lastSample)],
      ['Mode', job.mode],
      ['Policy', breakable(meta.policies[job.policy])],
    ]
      .filter(Boolean)
      .map(([title, value]) => [h('dt', {}, title), h('dd', {}, value)]),
  );
  const cut = points.length > 1 && layOut(points, job.timeline.width, 0, 900).cut;
  document.title = `${shown(job.title).slice(0, 80)} · sparkfit`;
  return [
    crumbs,
    h(
      'div',
      {class: 'title' + (job.title.length > 60 ? ' long' : '')},
      h('h1', {tabindex: -1}, name(job.title)),
      badges(job),
    ),
    h('p', {class: 'soft'}, 'namespace ', name(job.namespace)),
    values,
    thin,
    h(
      'div',
      {class: 'two'},
      panel(
        'Why this size',
        null,
        h('p', {class: 'why'}, readableText(job.explanation)),
        job.requestBytes !== null || job.targetBytes !== null ? h('div', {class: 'apart'}, sizeBars(job)) : null,
      ),
      settingsPanel(job),
    ),
    points.length > 0 &&
      panel(
        'Use, size and recommendation over time',
        `${sentence(between(points[0].start, points[points.length - 1].end))}. Each point is the highest value of ${length(job.timeline.width)}, so no peak is lost.${cut ? ' Longer pauses are cut out.' : ''}`,
        h(
          'div',
          {class: 'legend'},
          swatch('s-used', 'used, the largest executor'),
          swatch('s-size', 'size (limit)'),
          swatch('s-target', 'recommended when executors started'),
          job.targetBytes !== null &&
            h(
              'span',
              {},
              s(
                'svg',
                {width: 10, height: 10, 'aria-hidden': 'true'},
                s('circle', {class: 'p1 shade', cx: 5, cy: 5, r: 4}),
              ),
              'recommended now',
            ),
          points.some(point => point.ooms) &&
            h(
              'span',
              {},
              s(
                'svg',
                {width: 12, height: 12, 'aria-hidden': 'true'},
                s('path', {class: 'oom-mark', d: 'M1 1l10 10m0 -10l-10 10'}),
              ),
              'out of memory',
            ),
        ),
        timeChart(job, points),
        asTable('Memory over time', ['Time, UTC', 'Used', 'Size', 'Recommended', 'Out of memory'], () =>
          points.map(point => [
            `${day(point.start)} ${clock(point.start, true)}`,
            point.used ? amount(point.used) : '–',
            point.size ? amount(point.size) : '–',
            point.target ? amount(point.target) : '–',
            point.ooms ? oomText(point.ooms) : '',
          ]),
        ),
      ),
    h(
      'div',
      {class: 'two'},
      panel(
        'Peaks of executors',
        job.peaks.shares.length > 0
          ? 'The share of weight in each range. Older peaks weigh less, as the policy sees them.'
          : 'No executor was sampled yet.',
        job.peaks.shares.length > 0 && peaksChart(job),
      ),
      panel('In numbers', null, facts),
    ),
    job.runs.length > 0 && runsPanel(job),
    ending([]),
  ];
}

let atOverview = false;
function route(first) {
  const job = byHash.get(location.hash);
  if (atOverview) state.scroll = scrollY;
  atOverview = !job;
  for (const box of main.querySelectorAll('.chart')) watched.unobserve(box);
  main.replaceChildren(...(job ? jobPage(job) : overview()).flat().filter(Boolean));
  scrollTo(0, job ? 0 : state.scroll);
  if (!first) main.querySelector('h1').focus({preventScroll: true});
}
jobTable.order();
addEventListener('hashchange', () => route(false));
addEventListener('beforeprint', () => {
  if (atOverview && limit < list.length && list.length <= 3000) {
    limit = list.length;
    renderRows();
  }
});
route(true);
