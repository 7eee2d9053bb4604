"""Headless Chromium over its debugging pipe: opens a file and records its requests, its messages and a screenshot."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
PATIENCE = 60.0
WIDTHS = {"desktop": (1200, 900), "tablet": (768, 1024), "phone": (390, 844)}
"""Width and height of a window, CSS pixels"""
PAPER = 688
"""Width of A4 paper less margins of 14 mm, CSS pixels"""


def installed() -> str | None:
    """The browser's path; None if no browser is installed."""
    return next((path for path in map(shutil.which, NAMES) if path is not None), None)


@dataclass
class Page:
    """Requests and messages of a page while it was open."""

    browser: Browser
    requests: list[str]
    messages: list[str]

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = self.browser.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: Path, height: int | None = None) -> None:
        """The whole page, or its top, as PNG."""
        size = self.browser.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        taken = self.browser.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def as_printed(self) -> None:
        """Lay the page out as on A4 paper with margins of 14 mm."""
        self.browser.ask("Emulation.setEmulatedMedia", media="print")
        self.browser.ask(
            "Emulation.setDeviceMetricsOverride", width=PAPER, height=1000, deviceScaleFactor=1, mobile=False
        )

    def pdf(self, path: Path) -> None:
        """The printed page."""
        path.write_bytes(base64.b64decode(self.browser.ask("Page.printToPDF", printBackground=True)["data"]))


@dataclass
class Browser:
    """A running browser; messages go over two pipes, and a zero byte ends each message."""

    to: int
    answers: int
    session: str = ""
    number: int = 0
    buffer: bytes = b""
    events: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the debugging protocol and wait for its answer."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next(PATIENCE)
            if found.get("id") == self.number:
                assert "error" not in found, (method, found["error"])
                return found["result"]
            self.events.append(found)

    def wait_for(self, method: str) -> None:
        """Wait for an event."""
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self._next(PATIENCE))

    def settle(self, seconds: float) -> None:
        """Receive the messages of the next `seconds`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select([self.answers], [], [], left)[0]:
                self.events.append(self._next(PATIENCE))

    def _next(self, patience: float) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            if not select([self.answers], [], [], patience)[0]:
                raise TimeoutError(f"the browser said nothing for {patience:.0f} s")
            read = os.read(self.answers, 1 << 20)
            if not read:
                raise ConnectionError("the browser has ended")
            self.buffer += read
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, file: Path, width: int, height: int, *, phone: bool = False) -> Page:
        """Open a file at a width in CSS pixels."""
        self.session = ""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        self.events.clear()
        self.ask("Page.navigate", url=file.resolve().as_uri())
        self.wait_for("Page.loadEventFired")
        self.settle(0.3)
        requests = [event["params"]["request"]["url"] for event in self._of("Network.requestWillBeSent")]
        said = [
            json.dumps(event["params"]) for event in self._of("Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        ]
        said += [event["params"]["entry"]["text"] for event in self._of("Log.entryAdded")]
        return Page(self, requests, said)

    def _of(self, *methods: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event.get("method") in methods]


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A browser with its own profile; it ends when the block ends."""
    read_there, to = os.pipe()
    answers, write_there = os.pipe()
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        # The browser reads descriptor 3 and writes to 4.
        wiring = f'exec "$0" "$@" 3<&{read_there} 4>&{write_there}'
        command = ["bash", "-c", wiring, path, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
        process = subprocess.Popen(
            command, pass_fds=(read_there, write_there), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(read_there)
        os.close(write_there)
        browser = Browser(to, answers)
        try:
            yield browser
            browser.session = ""
            browser.ask("Browser.close")
        finally:
            os.close(to)
            os.close(answers)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
