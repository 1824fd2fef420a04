#!/usr/bin/python3 -I
"""A worker: {"picture": "a.png"} is made a thumbnail, put into the index, told to the partner.

    album.py ALBUM

It speaks NDJSON on stdin and stdout: it asks `thumbnail`, writes ALBUM/index.json, sends a
message to `webhook`, and answers. It never waits for one of these: while a thumbnail is
made it takes the next message, as many as its `credits` let through.
"""
import json
import os
import signal
import sys


def say(**line):
    print(json.dumps(line), flush=True)


class Index:
    """index.json: a picture's row is replaced, never added twice, so a message that is handled
    again (this process died after writing and before answering) changes nothing."""

    def __init__(self, path):
        self.path = path
        self.rows = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.rows = json.load(file)

    def put(self, picture, row):
        if self.rows.get(picture) == row:
            return
        self.rows[picture] = row
        part = self.path + ".part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump(self.rows, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.path)


def on_thumbnail(index, message, reply):
    """The thumbnail is there. The order matters: a crash between any two of these lines
    makes the message come again, and the partner knows by `event` what it was told before."""
    row = {"thumbnail": reply["thumbnail"], "width": reply["width"], "height": reply["height"],
           "message": message}
    index.put(reply["picture"], row)
    say(send="webhook", msg={"event": message, "picture": reply["picture"], **row})
    say(id=message, reply=row)


def on_failure(message, error):
    """`thumbnail` failed. A broken picture stays broken; anything else may be tried again."""
    rejected = error.get("data", {}).get("code") == "rejected"
    say(id=message, error=error["message"], retry=not rejected)


def main():
    # The daemon closes stdin as well when it wants us to stop: that ends the loop.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    index = Index(os.path.join(sys.argv[1], "index.json"))
    pending = set()  # messages whose thumbnail is being made; an ask's ref is the message's id
    say(ready=True)
    for text in sys.stdin:
        line = json.loads(text)
        if "msg" in line:
            pending.add(line["id"])
            say(ask="thumbnail", msg=line["msg"], ref=line["id"], timeout="30s")
        elif "cancel" in line:
            pending.discard(line["cancel"])
        elif line.get("ref") in pending:
            pending.discard(line["ref"])
            if "reply" in line:
                on_thumbnail(index, line["ref"], line["reply"])
            else:
                on_failure(line["ref"], line["error"])


main()
