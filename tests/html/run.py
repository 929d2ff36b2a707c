#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser: tests/html/run.py build/release/sparkfit [--shots FOLDER] [--large]

Needs Debian's chromium (tools/install-deps browser); without one it says so and ends with 77. --shots keeps pictures of what was looked at;
--large adds the fleet of 3,000 signatures and 100,000 executors, with time and memory.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import kinds
import make_fleet
from browser import Browser

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXAMPLE = ROOT / "examples/spark-runs.ndjson.gz"
TABLE = ROOT / "tests/oracle/synthetic.tsv.gz"
CASES = ROOT / "tests/cases"
SKIPPED = 77
POLICIES = ["percentile", "adaptive", "max", "request", "adaptive:risk=safe", "percentile:percentile=0.95,margin=0.2,halfLife=72h"]


class Checks:
    def __init__(self):
        self.failed = 0

    def that(self, fine, what, detail=""):
        print(f"{'ok    ' if fine else 'FAILED'} {what}{'' if fine else f': {detail}'}", flush=True)
        self.failed += not fine

    def same(self, seen, wanted, what):
        self.that(seen == wanted, what, f"{seen!r} is not {wanted!r}")


def rows(page):
    return page.run("[...document.querySelectorAll('.jobs tbody tr')].map(row => row.querySelector('a').textContent)")


def readable(page, check, where):
    """Nothing wider than the window, and text that stands out against what is behind it (WCAG AA)."""
    wide = page.run("document.documentElement.scrollWidth - innerWidth")
    check.that(wide <= 0, f"{where}: fits the width", f"{wide} px too wide")
    weak = page.run("""(() => {
      const parse = c => (c.match(/[0-9.]+/g) || []).map(Number);
      const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
      const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0.9) return c; } return [255, 255, 255]; };
      const bad = new Set();
      for (const e of document.querySelectorAll('main *, .top *')) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own || e.closest('.sr') || e.closest('.tip') || e.disabled) continue;
        const style = getComputedStyle(e);
        const a = light(parse(e instanceof SVGElement ? style.fill : style.color)), b = light(behind(e));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) bad.add(`${e.tagName}.${e.getAttribute('class')} ${ratio.toFixed(2)}: ${e.textContent.slice(0, 20)}`);
      }
      return [...bad].slice(0, 5);
    })()""")
    check.same(weak, [], f"{where}: contrast")


COUNTS = ("runs", "coveredRuns", "sizedRuns", "coveredSizedRuns")


def past_advice(page, check, data, expected):
    """The accuracy on the page is that of -o json: in sum, and run by run where all runs are listed."""
    judged = [row["accuracy"] for row in expected if row["accuracy"]]
    shown = data["summary"]["accuracy"]
    if not judged:
        check.same(shown, None, "no run was judged, and the page says so")
        return
    check.same({name: shown[name] for name in COUNTS}, {name: sum(one[name] for one in judged) for name in COUNTS}, "runs judged are those of -o json")
    for name in ("wasteGiBHours", "missingGiBHours", "regretGiBHours"):
        total = sum(one[name] for one in judged)
        check.that(abs(shown[name] - total) <= 0.0005 * (len(judged) + 1), f"{name} are those of -o json", f"{shown[name]} is not {total}")
    wrong = []
    for job in data["jobs"]:
        verdicts = [run[6] for run in job["runs"]]
        if len(verdicts) < job["row"]["applications"]:
            continue
        accuracy = job["row"]["accuracy"] or {"runs": 0, "coveredRuns": 0}
        seen = (verdicts.count("covered") + verdicts.count("lacking"), verdicts.count("covered"))
        if seen != (accuracy["runs"], accuracy["coveredRuns"]):
            wrong.append((job["row"]["signature"][:20], seen, accuracy))
    check.same(wrong, [], "verdicts of runs add up to what was judged")
    card = card_of(page, "Covered by advice")
    check.that(card is not None and f"{shown['runs']:,}" in card.replace("\u202f", ","), "and the headline has them", card)
    if data["summary"]["unadvisedOOMs"] > 0:
        check.that("without advice, with" in card, "a share of covered runs beside kills says which runs it leaves out", card)
        check.that("before there was any advice" in card_of(page, "OOM kills"), "and kills say where they were")


def card_of(page, label):
    return page.run("[...document.querySelectorAll('.card')].find(c => c.textContent.startsWith(%s))?.textContent" % json.dumps(label))


def amount(size):
    """As a page writes it."""
    mib = -(-size // 2**20)
    return "–" if size is None else f"{mib:,} MiB" if size < 10240 * 2**20 else f"{size / 2**30:.1f} GiB"


def as_printed(check, shown, expected, table):
    """What the page shows of each job is what the command line prints."""
    lines = {tuple(line.split()[:2]): line for line in table.splitlines()[1:len(expected) + 1]}
    wrong = []
    for index, row in enumerate(expected):
        line = lines.get((row["namespace"], row["signature"]))
        for name, field in (("peak", "peakBytes"), ("request", "requestBytes"), ("target", "targetBytes")):
            text = next(iter(shown[f"{index}.{name}"]))
            if text.replace("\u00a0", " ") != amount(row[field]):
                wrong.append((row["signature"], name, text))
            if "MiB" in text and line and f" {text.split()[0].split(chr(160))[0].replace(',', '')}Mi " not in line:
                wrong.append((row["signature"], name, text, line))
        change = next(iter(shown[f"{index}.change"])).replace("\u00a0", " ").replace("−", "-")
        if line and f" {change} " not in line:
            wrong.append((row["signature"], change, line))
    check.same(wrong[:3], [], "sizes and changes are those of the command line")


def further(page, check, data):
    """The first page says which jobs would come down further, and what that takes."""
    lacking = [job for job in data["jobs"] if job["evidence"]["lacks"] in ("driver", "samples", "success", "nothing")]
    panel = page.run("document.querySelector('.lacks')?.closest('.panel').textContent")
    if not lacking:
        check.same(panel, None, "no job lacks evidence, and nothing is said of it")
        return
    counts = page.run("[...document.querySelectorAll('.lacks li > b')].map(b => Number(b.textContent.replace(/[^0-9]/g, '')))")
    check.same(sum(counts), len(lacking), "jobs that lack evidence are counted")
    check.that("import eventlog" in panel and "driver-metrics=true" in panel, "and how to get it is said")
    page.run("document.querySelector('details.how').open = true")
    page.settle()
    kinds.look(page, check, "with the commands open")
    button = page.run("(() => { const b = document.querySelector('.lacks button'); b?.click(); return !!b; })()")
    if button:
        page.settle()
        check.same(len(rows(page)), min(100, counts[0]), "a button lists them")
        check.that(page.run("document.activeElement.tagName") == "SELECT", "and takes the focus to the list")
        page.run("(() => { const s = document.querySelector('.tools select'); s.value = 'all'; s.dispatchEvent(new Event('change')); })()")
    page.run("document.querySelector('details.how').open = false")


def fleet_page(browser, check, path, expected, table, shots):
    page = browser.page()
    page.open(path)
    data = json.loads(page.run("document.getElementById('data').textContent"))
    check.same([job["row"] for job in data["jobs"]], expected, "numbers in the page are those of -o json")
    check.same(len(rows(page)), min(100, len(expected)), "a row for each job")
    past_advice(page, check, data, expected)
    further(page, check, data)

    page.run("document.querySelector('input[type=search]').focus()")
    page.type(expected[0]["signature"][:6])
    found = rows(page)
    check.that(0 < len(found) < max(2, len(expected)), "search narrows the table", found)
    page.run("(() => { const box = document.querySelector('input[type=search]'); box.value = ''; box.dispatchEvent(new Event('input')); })()")

    page.run("[...document.querySelectorAll('thead button')].find(b => b.textContent === 'Job').focus()")
    page.key("Enter")
    check.same(page.run("document.querySelector('th[aria-sort]').getAttribute('aria-sort')"), "ascending", "a header sorts by keyboard, and says so")
    ascending = rows(page)
    page.key("Enter")
    check.that(len(expected) > 100 or rows(page) == ascending[::-1], "the same header turns the order around", rows(page))

    page.run("document.querySelector('.jobs tbody a').focus()")
    page.key("Enter")
    page.wait("location.hash.startsWith('#job=')")
    page.settle()
    check.that(page.run("document.activeElement.tagName") == "H1", "Enter on a job opens it, its title has the focus")
    check.that(page.run("document.querySelectorAll('.chart svg[role=img][aria-label]').length") >= 1, "charts are drawn and named")
    check.that(page.run("document.querySelectorAll('details.data').length") >= 1, "charts have a table")
    page.run("[...document.querySelectorAll('details.data')].forEach(d => { d.open = true; })")
    page.settle()
    check.that(page.run("document.querySelectorAll('details.data tbody tr').length") >= 1, "the table has rows")
    page.run("document.querySelector('.chart svg[tabindex]').focus()")
    page.key("End")
    check.that(len(page.run("document.getElementById('live').textContent")) > 5, "arrow keys read a chart aloud")
    page.run("history.back()")
    page.wait("!location.hash.startsWith('#job=')")
    page.wait("document.querySelector('.jobs') !== null")
    check.that(True, "back leads to all jobs")

    before = page.run("getComputedStyle(document.body).backgroundColor")
    page.run("document.getElementById('theme').click()")
    check.that(page.run("getComputedStyle(document.body).backgroundColor") != before, "the button switches to dark")
    page.run("document.getElementById('theme').click()")
    page.dark(True)
    check.that(page.run("document.documentElement.dataset.theme") == "light", "a choice outlasts the system's")
    page.run("delete document.documentElement.dataset.theme; localStorage.clear()")
    check.that(page.run("getComputedStyle(document.body).backgroundColor") != before, "without a choice the system's counts")
    check.same(page.complaints(), [], "no error, and no request leaves the page")

    job = max(data["jobs"], key=lambda j: (j["row"]["containerOOMs"] > 0, len(j["runs"])))
    fragment = page.run("jobs.find(j => j.index === %d).hash" % data["jobs"].index(job))
    shown = {}
    for width in (1400, 420):
        for dark in (False, True):
            view = browser.page(width, 900, dark)
            for where, part in (("jobs", ""), ("job", fragment)):
                view.open(path, part) if part == "" else (view.run(f"location.hash = {json.dumps(part)}"), view.settle())
                view.resize(width, 900)
                view.settle()
                readable(view, check, f"{where}, {width} px, {'dark' if dark else 'light'}")
                if not dark:
                    kinds.look(view, check, f"{where}, {width} px")
                kinds.gather(view, shown)
                if shots:
                    view.shot(f"{shots}/{pathlib.Path(path).stem}-{where}-{width}-{'dark' if dark else 'light'}.png")
            check.same(view.complaints(), [], f"{width} px, {'dark' if dark else 'light'}: nothing to complain of")


    kinds.one_text_each(check, shown, "all views")
    if len(expected) <= 100:
        as_printed(check, shown, expected, table)


def any_page(browser, check, path, where):
    """Every view of a page, at both widths, for the kinds of faults; data may be whatever it is."""
    for width in (1400, 420):
        page = browser.page(width)
        page.open(path)
        kinds.look(page, check, f"{where}, {width} px")
        shown = {}
        kinds.gather(page, shown)
        for hash_of_job in page.run("typeof jobs === 'undefined' ? [] : jobs.slice(0, 12).map(job => job.hash)"):
            page.run(f"location.hash = {json.dumps(hash_of_job)}")
            page.wait("document.querySelector('.crumbs') !== null")
            page.settle()
            page.run("[...document.querySelectorAll('details')].forEach(d => { d.open = true; })")
            page.settle()
            kinds.look(page, check, f"{where}, {width} px, {hash_of_job[:40]}")
            kinds.gather(page, shown)
            why = page.run("document.querySelector('.why').textContent")
            check.that("executor peak" not in why or not why.startswith("p") or "upper edge" in why, "a percentile above the peaks says why", why)
            page.run("location.hash = ''")
            page.wait("document.querySelector('.crumbs') === null")
            page.settle()
        kinds.one_text_each(check, shown, f"{where}, {width} px")
        check.same(page.complaints(), [], f"{where}, {width} px: nothing to complain of")


def hostile_page(browser, check, path):
    page = browser.page()
    page.open(path)
    page.run("[...document.querySelectorAll('.more-rows button')].pop()?.click()")
    names = page.run("jobs.map(job => job.signature)")
    for name in make_fleet.HOSTILE:
        check.that(name in names, f"hostile name is data: {name[:30]!a}")
        page.run(f"location.hash = jobs.find(job => job.signature === {json.dumps(name)}).hash")
        page.wait("document.querySelector('.crumbs') !== null")
        page.settle()
        title = page.run("document.querySelector('h1').textContent")
        check.that(len(title) > 0 and "\u202e" not in title, "it is shown without steering the text", title)
        check.same(page.run("document.querySelector('main').querySelectorAll('script, img').length"), 0, "and makes no element")
        check.that(page.run("document.documentElement.scrollWidth <= innerWidth"), "and does not widen the page")
        page.run("location.hash = ''")
        page.settle()
    check.same(page.run("typeof window.hacked"), "undefined", "nothing of it ran")
    check.same(page.complaints(), [], "hostile names: no error, no request")
    # What stands behind that, and that a complaint would be noticed.
    refused = page.run("(() => { try { document.body.innerHTML = '<b>x</b>'; return false; } catch { return true; } })()")
    check.that(refused, "markup from text is refused by the page's policy")
    page.run("fetch('https://example.invalid/').then(() => true, () => false)")
    check.that(any("example.invalid" in complaint for complaint in page.complaints()), "a request is refused, and noticed here")


def backtest_page(browser, check, path, expected, shots):
    shown = {}
    for width in (1400, 420):
        for dark in (False, True):
            page = browser.page(width, 900, dark)
            page.open(path)
            where = f"backtest, {width} px, {'dark' if dark else 'light'}"
            check.same(page.run("JSON.parse(document.getElementById('data').textContent).policies.map(p => p.result)"), expected, f"{where}: numbers are those of -o json")
            check.that(page.run("document.querySelectorAll('.chart svg').length") >= 3, f"{where}: charts are drawn")
            readable(page, check, where)
            kinds.look(page, check, where)
            kinds.gather(page, shown)
            check.same(page.complaints(), [], f"{where}: nothing to complain of")
            if shots:
                page.shot(f"{shots}/{pathlib.Path(path).stem}-{width}-{'dark' if dark else 'light'}.png")


    kinds.one_text_each(check, shown, "backtest")


def loop_page(browser, check, path, expected, shots):
    for width in (1400, 400):
        for dark in (False, True):
            page = browser.page(width, 900, dark)
            page.open(path)
            where = f"closed loop, {width} px, {'dark' if dark else 'light'}"
            check.same(page.run("JSON.parse(document.getElementById('data').textContent).policies"), expected, f"{where}: numbers are those of -o json")
            check.same(page.run("document.querySelectorAll('.chart svg').length"), 1, f"{where}: the chart is drawn")
            check.same(page.run("document.querySelectorAll('.panel table')[0].querySelectorAll('tbody tr').length"), len(expected), f"{where}: a line for each policy")
            readable(page, check, where)
            check.same(page.complaints(), [], f"{where}: nothing to complain of")
            if shots:
                page.shot(f"{shots}/loop-{width}-{'dark' if dark else 'light'}.png")


def measured(command):
    """Seconds by the clock, seconds of CPU, MiB."""
    before = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command}: exit status {status}")
    return time.monotonic() - before, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def large_page(browser, check, sparkfit, folder, shots):
    log, path = f"{folder}/large.ndjson.gz", f"{folder}/large.html"
    # In a process of its own: what this one had would count as the next one's memory.
    subprocess.run([sys.executable, HERE / "make_fleet.py", log, "--signatures", "3000", "--executors", "100000"], check=True)
    seconds, busy, mib = measured([sparkfit, "replay", log, "--html", path])
    size = os.path.getsize(path) / 1e6
    # By CPU, as other work on the machine says nothing of the program; it has one thread.
    check.that(busy <= 10, f"100,000 executors of 3,000 signatures: page with {busy:.1f} s of CPU, after {seconds:.1f} s", "more than 10 s")
    check.that(mib <= 500, f"in {mib:.0f} MiB", "more than 500 MiB")
    check.that(size <= 10, f"{size:.1f} MB", "more than 10 MB")
    expected = json.loads(subprocess.run([sparkfit, "replay", log, "-o", "json"], check=True, capture_output=True).stdout)
    page = browser.page()
    opened = page.open(path)
    busy = page.busy()
    check.that(busy <= 2, f"drawn with {busy:.2f} s of CPU, after {opened:.2f} s", "more than 2 s")
    page.run("(() => { const box = document.querySelector('input[type=search]'); box.value = 'orders 12'; box.dispatchEvent(new Event('input')); })()")
    page.settle()
    check.that(page.busy() - busy < 0.5, f"searched with {page.busy() - busy:.2f} s", "more than 0.5 s")
    fleet_page(browser, check, path, expected, "", shots)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sparkfit")
    parser.add_argument("--shots")
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("chromium") is None:
        print("skipped: there is no chromium here (tools/install-deps browser)")
        return SKIPPED
    if arguments.shots:
        os.makedirs(arguments.shots, exist_ok=True)
    check = Checks()

    def run(*command):
        return subprocess.run([arguments.sparkfit, *map(str, command)], check=True, capture_output=True).stdout

    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        page = f"{folder}/example.html"
        run("replay", EXAMPLE, "--html", page)
        fleet_page(browser, check, page, json.loads(run("replay", EXAMPLE, "-o", "json")), run("replay", EXAMPLE).decode(), arguments.shots)
        log = f"{folder}/hostile.ndjson.gz"
        make_fleet.make(log, 3, 60, hostile=True)
        run("replay", log, "--html", f"{folder}/hostile.html")
        hostile_page(browser, check, f"{folder}/hostile.html")
        any_page(browser, check, f"{folder}/hostile.html", "hostile")
        empty = pathlib.Path(folder) / "empty.ndjson"
        empty.write_text('{"type":"header","version":1}\n')
        for what, log, *more in (("nothing", empty), ("adaptive", EXAMPLE, "--policy", "adaptive"), ("request below limit", CASES / "limit-above-request.ndjson"),
                                 ("one OOM", CASES / "one-oom-then-40-clean.ndjson.gz"), ("thin", CASES / "bounds-nobody-means.ndjson")):
            run("replay", log, *more, "--html", page, "--force")
            any_page(browser, check, page, what)
        events = f"{folder}/events.ndjson.gz"
        run("import", "eventlog", ROOT / "tests/golden/eventlog", "--derived-signatures", "{app-name}", "--output", events)
        run("replay", events, "--html", page, "--force")
        any_page(browser, check, page, "event log")
        # What is left of a difference is no saving.
        run("replay", CASES / "limit-above-request.ndjson", "--html", page, "--force")
        view = browser.page()
        view.open(page)
        check.that(card_of(view, "Could be saved").startswith("Could be saved0\u00a0%"), "nothing saved is 0 %", card_of(view, "Could be saved"))
        run("backtest", TABLE, "--html", f"{folder}/backtest.html")
        backtest_page(browser, check, f"{folder}/backtest.html", json.loads(run("backtest", TABLE, "-o", "json")), arguments.shots)
        run("backtest", TABLE, *[part for policy in POLICIES for part in ("--policy", policy)], "--html", f"{folder}/policies.html")
        any_page(browser, check, f"{folder}/policies.html", "six policies")
        columns = "workflow signature submit_epoch_s complete_epoch_s request_bytes peak_rss_bytes runtime_hours".split()
        for what, lines in (("no execution", []), ("one execution", [["w", "k", "0", "1", "1e8", "1e5", "0.001"]])):
            small = pathlib.Path(folder) / "small.tsv"
            small.write_text("".join("\t".join(line) + "\n" for line in [columns, *lines]))
            run("backtest", small, "--html", page, "--force")
            any_page(browser, check, page, what)
        loop = ("backtest", "--closed-loop", "--profiles", 6, "--runs", 30, "--policy", "adaptive", "--policy", "max")
        run(*loop, "--html", f"{folder}/loop.html")
        loop_page(browser, check, f"{folder}/loop.html", json.loads(run(*loop, "-o", "json")), arguments.shots)
        if arguments.large:
            large_page(browser, check, arguments.sparkfit, folder, arguments.shots)
    print(f"{check.failed} failed" if check.failed else "all fine")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
