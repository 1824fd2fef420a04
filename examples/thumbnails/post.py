#!/usr/bin/python3 -I
"""An exec actor: POST the message on stdin to a URL.

    post.py URL

2xx is done; 408, 429, 5xx and a broken connection are worth another attempt (75); any other
answer is not (65). The message's id, the same over all attempts, and the attempt's
number go along as headers.
"""
import http.client
import os
import sys
from urllib.parse import urlsplit

REJECTED, TRY_AGAIN = 65, 75


def fail(status, text):
    print(f"attempt {os.environ['ACTORD_ATTEMPT']}: {text}", file=sys.stderr)
    sys.exit(status)


def main():
    url = urlsplit(sys.argv[1])
    body = sys.stdin.buffer.read()
    headers = {"Content-Type": "application/json",
               "Message": os.environ["ACTORD_MESSAGE_ID"],
               "Attempt": os.environ["ACTORD_ATTEMPT"]}
    connection = http.client.HTTPConnection(url.netloc, timeout=5)
    try:
        connection.request("POST", url.path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        fail(TRY_AGAIN, str(error) or type(error).__name__)
    if answer.status in (408, 429) or answer.status >= 500:
        fail(TRY_AGAIN, f"HTTP {answer.status}")
    if not 200 <= answer.status < 300:
        fail(REJECTED, f"HTTP {answer.status}")
    sys.stdout.buffer.write(text)


main()
