#!/usr/bin/python3 -I
"""An exec actor: {"picture": "a.png"} on stdin becomes a thumbnail, its facts go to stdout.

    thumbnail.py PICTURES ALBUM

Exit status 65 rejects the message (the picture is missing or broken: trying again can't
help), 75 asks for another attempt.
"""
import json
import os
import re
import subprocess
import sys

CONVERT = "/usr/bin/convert"  # ImageMagick's, whatever else $PATH calls so
REJECTED, TRY_AGAIN = 65, 75


def fail(status, text):
    print(text, file=sys.stderr)
    sys.exit(status)


def main():
    pictures, album = sys.argv[1:]
    name = json.load(sys.stdin)["picture"]
    # A name, no path; ImageMagick also takes "url:..." or "msl:..." for a file.
    if not re.fullmatch(r"[A-Za-z0-9_-]+\.(png|jpg)", name):
        fail(REJECTED, f"not the name of a picture: {name!r}")
    source = os.path.join(pictures, name)
    if not os.path.exists(source):
        fail(REJECTED, f"no such picture: {source}")

    # Into a file of this attempt, renamed at the end: nobody sees half a thumbnail.
    thumbnail = name + ".thumb.jpg"
    part = os.path.join(album, f".{os.environ['ACTORD_MESSAGE_ID']}.part")
    try:
        # -regard-warnings: a picture cut short is broken, not a picture with a grey end.
        done = subprocess.run(
            [CONVERT, "-regard-warnings", source, "-thumbnail", "96x96>", "-strip",
             "-write", f"jpeg:{part}", "-format", "%w %h", "info:-"],
            stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode < 0:
            fail(TRY_AGAIN, f"{CONVERT} was killed by signal {-done.returncode}")
        if done.returncode != 0:
            fail(REJECTED, f"ImageMagick can't read {name}")
        width, height = map(int, done.stdout.split())
        os.replace(part, os.path.join(album, thumbnail))
    except OSError as error:
        fail(TRY_AGAIN, str(error))
    finally:
        if os.path.exists(part):
            os.unlink(part)
    json.dump({"picture": name, "thumbnail": thumbnail, "width": width, "height": height},
              sys.stdout)


main()
