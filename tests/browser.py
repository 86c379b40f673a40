"""A real headless Chromium, spoken to by its DevTools protocol: pages are opened, clicked and looked at."""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import time

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Browser:
    """One page. ``requests`` are the addresses it asked for, ``errors`` what its scripts threw."""

    def __init__(self, socket):
        self.socket, self.number = socket, 0
        self.requests, self.errors, self.seen = [], [], []
        for domain in ("Page", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            said = json.loads(self.socket.recv(timeout=60))
            if said.get("id") == self.number:
                assert "error" not in said, said
                return said["result"]
            self._note(said)

    def _note(self, said):
        self.seen.append(said.get("method"))
        if said.get("method") == "Network.requestWillBeSent":
            self.requests.append(said["params"]["request"]["url"])
        if said.get("method") == "Runtime.exceptionThrown":
            self.errors.append(said["params"]["exceptionDetails"])
        if said.get("method") == "Page.javascriptDialogOpening":
            self.errors.append(said["params"])

    def open(self, path):
        """Seconds until the page and its script are there."""
        self.seen.clear()
        began = time.perf_counter()
        self.call("Page.navigate", url=path.resolve().as_uri())
        while "Page.loadEventFired" not in self.seen:
            self._note(json.loads(self.socket.recv(timeout=60)))
        self.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return time.perf_counter() - began

    def js(self, code):
        """The value of an expression in the page; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def shot(self, path, *, width=1100, height=800, dark=False, media="screen"):
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[feature])
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.js("new Promise(done => setTimeout(done, 100))")
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextlib.contextmanager
def browser(folder):
    """Skips the test where there is no Chromium. ``folder`` is for its profile."""
    client = pytest.importorskip("websockets.sync.client")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium here")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"]
    with (folder / "log.txt").open("w+") as log:
        child = subprocess.Popen(
            [program, *flags, f"--user-data-dir={folder / 'profile'}", "about:blank"],
            stderr=log,
            stdout=subprocess.DEVNULL,
        )
        try:
            for _ in range(600):
                port = re.search(r"ws://[\w.]+:(\d+)/", (folder / "log.txt").read_text("utf-8", "replace"))
                if port or child.poll() is not None:
                    break
                time.sleep(0.1)
            if not port:
                pytest.skip("Chromium does not start here")
            with client.connect(_page(port[1]), max_size=None) as socket:
                yield Browser(socket)
        finally:
            child.terminate()
            child.wait(timeout=30)


def _page(port):
    """The address of the first tab."""
    import urllib.request

    for _ in range(100):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=30) as answer:
            tabs = [t for t in json.load(answer) if t["type"] == "page"]
        if tabs:
            return tabs[0]["webSocketDebuggerUrl"]
        time.sleep(0.1)
    raise AssertionError("Chromium opened no tab")
