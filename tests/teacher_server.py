"""A small OpenAI-compatible server on loopback, with the manners of good and bad ones."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """``reply(body)`` -> text; ``supports``: the forms it takes; ``busy``: how often each request gets a 429 first.

    ``usage``: whether it tells the tokens of an answer.
    """

    def __init__(self, reply, supports=("json_schema", "tool", "json_object"), busy=0, delay=0.0, usage=True):
        self.reply, self.supports, self.busy, self.delay = reply, supports, busy, delay
        self.usage = usage
        self.seen: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.together = self.most_together = 0
        self.lock = threading.Lock()
        self.headers: list[dict] = []

    def handle(self, body):
        """(status, headers, document); bytes are sent as they are"""
        key = json.dumps(body, sort_keys=True)
        with self.lock:
            self.seen[key] += 1
            times = self.seen[key]
        form = self.form(body)
        if form not in (*self.supports, "prompt"):
            return 400, {}, {"error": {"message": f"{form} is not supported"}}
        if times <= self.busy:
            return 429, {"retry-after": "0.01"}, {"error": {"message": "slow down"}}
        time.sleep(self.delay)
        text = self.reply(body)
        message = {"role": "assistant", "content": text}
        if form == "tool":
            call = {"id": "c", "type": "function", "function": {"name": "answer", "arguments": text}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        with self.lock:
            self.answered[key] += 1
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        document = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        return 200, {}, {**document, "usage": usage} if self.usage else document

    @staticmethod
    def form(body):
        if "tools" in body:
            return "tool"
        return body.get("response_format", {}).get("type", "prompt")


@contextmanager
def serving(server, port=0):
    """The base_url of ``server`` while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/v1/models" else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with server.lock:
                server.headers.append({k.lower(): v for k, v in self.headers.items()})
                server.together += 1
                server.most_together = max(server.most_together, server.together)
            try:
                status, headers, document = server.handle(body)
            finally:
                with server.lock:
                    server.together -= 1
            data = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    http.handle_error = lambda request, address: None  # a client that was killed is what some tests are about
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}/v1"
    finally:
        http.shutdown()
        http.server_close()
