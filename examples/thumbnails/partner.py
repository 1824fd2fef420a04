#!/usr/bin/python3 -I
"""The partner: an HTTP server that fails half of the time, and has an outage.

    partner.py [SEED]

It listens on a free port of 127.0.0.1. Its standard output is one line for its address,
then one for each request, as it is answered:

    http://127.0.0.1:40123/
    REQUEST MILLISECONDS MESSAGE ATTEMPT OUTCOME PICTURE

OUTCOME is `delivered`, `again` (an event that was delivered before: nothing more is done),
`failed` (503) or `down` (hung up without an answer). Good or bad depends on the seed and the
request's number alone, so a run can be repeated.
"""
import json
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

OUTAGE = range(6, 12)  # these requests, counted from 1


class Partner(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, seed):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.dice = random.Random(seed)
        self.requests = 0
        self.events = set()  # those delivered
        self.start = time.monotonic()

    def server_bind(self):
        TCPServer.server_bind(self)  # HTTPServer's own asks the DNS for our name

    def judge(self, headers, event):
        """Decide on one request, and say so; under the lock, so that lines stand in order."""
        with self.lock:
            self.requests += 1
            good = self.dice.random() < 0.5
            if self.requests in OUTAGE:
                outcome = "down"
            elif not good:
                outcome = "failed"
            elif event["event"] in self.events:
                outcome = "again"
            else:
                outcome = "delivered"
                self.events.add(event["event"])
            passed = int((time.monotonic() - self.start) * 1000)
            print(self.requests, passed, headers["Message"], headers["Attempt"], outcome,
                  event["picture"], flush=True)
            return outcome


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        outcome = self.server.judge(self.headers, event)
        if outcome == "down":
            self.close_connection = True
            return
        body = json.dumps({"outcome": outcome}).encode()
        self.send_response(503 if outcome == "failed" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass  # the line of judge() says it all


def main():
    partner = Partner(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(f"http://127.0.0.1:{partner.server_address[1]}/", flush=True)
    try:
        partner.serve_forever()
    except KeyboardInterrupt:
        pass  # Ctrl-C at run.sh's terminal


main()
