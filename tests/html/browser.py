# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, told what to do over the DevTools protocol on two pipes (no port, no library)."""
import base64
import json
import os
import select
import subprocess
import tempfile
import time


class Browser:
    def __init__(self, chromium="chromium"):
        self.profile = tempfile.TemporaryDirectory(prefix="sparkfit-html-", ignore_cleanup_errors=True)
        to_browser, self.writer = os.pipe()
        self.reader, from_browser = os.pipe()
        # The browser reads descriptor 3 and writes descriptor 4.
        script = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, chromium, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             "--force-color-profile=srgb", f"--user-data-dir={self.profile.name}", "about:blank"],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.next_id = 0
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
        except (OSError, EOFError, TimeoutError):
            self.process.kill()
        self.process.wait(20)
        self.profile.cleanup()

    def receive(self, timeout):
        limit = time.monotonic() + timeout
        while b"\0" not in self.buffer:
            if not select.select([self.reader], [], [], max(0, limit - time.monotonic()))[0]:
                raise TimeoutError("the browser did not answer")
            chunk = os.read(self.reader, 1 << 20)
            if not chunk:
                raise EOFError("the browser ended")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, timeout=120, **parameters):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.writer, data):]
        while True:
            answer = self.receive(timeout)
            if answer.get("id") == self.next_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def page(self, width=1400, height=900, dark=False):
        return Page(self, width, height, dark)


class Page:
    """One tab. Console messages, errors and requests are collected from the start."""

    def __init__(self, browser, width, height, dark):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Performance.enable", timeDomain="threadTicks")
        self.resize(width, height)
        self.dark(dark)

    def call(self, method, **parameters):
        return self.browser.call(method, session=self.session, **parameters)

    def resize(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def dark(self, dark):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, path, fragment=""):
        """Seconds until the page was there and had drawn a frame."""
        started = time.monotonic()
        self.call("Page.navigate", url=f"file://{os.path.abspath(path)}{fragment}")
        self.wait("document.readyState === 'complete' && document.querySelector('main h1') !== null")
        self.settle()
        return time.monotonic() - started

    def busy(self):
        """Seconds of CPU that the page's main thread took so far: what the machine does besides does not count."""
        metrics = self.call("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")

    def settle(self):
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))")

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails'].get('exception', {}).get('description')}")
        return answer["result"].get("value")

    def wait(self, script, seconds=120):
        limit = time.monotonic() + seconds
        while True:
            try:
                if self.run(script):
                    return
            except RuntimeError:
                pass  # the page is being replaced
            if time.monotonic() > limit:
                raise TimeoutError(script)

    def key(self, key, text=None, modifiers=0):
        codes = {"Enter": 13, "Tab": 9, "ArrowRight": 39, "ArrowLeft": 37, "Escape": 27, "End": 35, "Home": 36, " ": 32}
        common = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, 0), "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text or ("\r" if key == "Enter" else ""), **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)
        self.settle()

    def type(self, text):
        self.call("Input.insertText", text=text)
        self.settle()

    def shot(self, path, whole=True):
        if whole:
            height = self.run("Math.min(document.documentElement.scrollHeight, 6000)")
            width = self.run("innerWidth")
            self.resize(width, max(300, height))
            self.settle()
        image = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(image))

    def complaints(self):
        """Errors, and requests for anything but the page itself and data in it."""
        found = []
        self.run("0")
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            method, detail = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(detail["exceptionDetails"].get("exception", {}).get("description", "an exception"))
            elif method == "Runtime.consoleAPICalled" and detail["type"] in ("error", "warning", "assert"):
                found.append(f"console.{detail['type']}: {detail['args']}")
            elif method == "Log.entryAdded" and detail["entry"]["level"] in ("error", "warning"):
                found.append(f"log: {detail['entry']['text']}")
            elif method == "Network.requestWillBeSent" and not detail["request"]["url"].startswith(("file://", "data:", "about:")):
                found.append(f"request: {detail['request']['url']}")
        return found
