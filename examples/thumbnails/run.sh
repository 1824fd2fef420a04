#!/bin/bash
# Pictures through three actors, with a broken one among them and a partner that is down half
# of the time; what happens is printed step by step. Exit status 0: all was as expected.
#
#   ./run.sh            the programs are ../../build/actord and actorctl, or $ACTORD and $ACTORCTL
#   KEEP=1 ./run.sh     leaves its directory behind, with the thumbnails and the log
set -u

EXAMPLE=$(realpath "$(dirname "$0")")
actord=${ACTORD:-$EXAMPLE/../../build/actord}
actorctl=${ACTORCTL:-$EXAMPLE/../../build/actorctl}
convert=/usr/bin/convert # ImageMagick's, whatever else $PATH calls so
patience=30              # seconds for any one thing to happen

tmp=$(mktemp -d)
PICTURES=$tmp/pictures ALBUM=$tmp/album SOCKET=ipc://$tmp/actord.sock
export EXAMPLE PICTURES ALBUM SOCKET ACTORCTL_URL=$SOCKET
daemon='' partner='' wrong=0

# shellcheck disable=SC2317 # called by the traps
clean_up() {
    stop_daemon
    [ -z "$partner" ] || { kill "$partner" && wait "$partner"; } 2>/dev/null
    if [ -n "${KEEP:-}" ]; then
        echo "Kept: $tmp"
    else
        rm -rf "$tmp"
    fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

title() { printf '\n== %s\n' "$*"; }

# Say why it can't go on, and show the log.
give_up() {
    echo "GIVING UP: $*" >&2
    stop_daemon
    [ ! -e "$tmp/log" ] || sed 's/^/    /' "$tmp/log" >&2
    exit 1
}

# Returns its exit status; the end of its log is then there.
stop_daemon() {
    local status=0
    [ -n "$daemon" ] || return 0
    kill "$daemon" 2>/dev/null
    wait "$daemon" || status=$?
    daemon=''
    cat <&"$log" >>"$tmp/log"
    return "$status"
}

# expect WHAT WANTED GOT
expect() {
    if [ "$2" = "$3" ]; then
        echo "  ok     $1: $3"
    else
        echo "  WRONG  $1: $3, expected $2"
        wrong=$((wrong + 1))
    fi
}

ctl() { "$actorctl" --timeout "${patience}s" "$@"; }

# member KEY: of the JSON object on standard input
member() {
    /usr/bin/python3 -I -c '
import json, sys
value = json.load(sys.stdin)[sys.argv[1]]
print(value if isinstance(value, str) else json.dumps(value))' "$1"
}

# Read on in the daemon's log until a line matches.
await_line() {
    local line=
    until [[ $line =~ $1 ]]; do
        IFS= read -r -t "$patience" -u "$log" line || give_up "the daemon's log doesn't say '$1'"
        printf '%s\n' "$line" >>"$tmp/log"
    done
}

# await_ends ID...: print in what state each message ended, and after how many attempts.
await_ends() {
    for id in "$@"; do
        ctl --json wait "$id" >"$tmp/message" || [ $? -eq 3 ] || give_up "$id doesn't end"
        printf '  %s: %s after %s attempt(s)\n' "$id" "$(member state <"$tmp/message")" \
            "$(member attempts <"$tmp/message")"
    done
}

# await_deliveries N: print the partner's lines until it has N more pictures; $delivered are
# the messages that brought them.
await_deliveries() {
    local left=$1 number at message attempt outcome picture
    delivered=()
    while [ "$left" -gt 0 ]; do
        read -r -t "$patience" -u "$requests" number at message attempt outcome picture ||
            give_up "the partner waits for $left more pictures"
        printf '  %5d ms  request %-2d  %-5s attempt %-2d  %-9s  %s\n' "$at" "$number" "$message" \
            "$attempt" "$outcome" "$picture"
        tries=$((tries + 1))
        [ "$attempt" -eq 1 ] || retries=$((retries + 1))
        if [ "$outcome" = delivered ]; then
            delivered+=("$message")
            left=$((left - 1))
        fi
    done
}

title "Seven pictures, and one that was cut short"
mkdir "$PICTURES" "$ALBUM"
while read -r name picture; do
    "$convert" -size 320x240 -seed 7 "$picture" "$PICTURES/$name" || give_up "ImageMagick failed"
done <<'END'
dawn.png gradient:orange-navy
noon.jpg gradient:white-skyblue
dusk.png radial-gradient:red-black
clouds.jpg plasma:white-steelblue
lava.png plasma:tomato-black
moss.jpg plasma:olive-green
marble.png plasma:fractal
END
"$convert" -size 320x240 -seed 8 plasma:gold-purple "$tmp/whole.jpg"
head -c 8000 "$tmp/whole.jpg" >"$PICTURES/broken.jpg"
ls -s "$PICTURES"

title "The partner and the daemon start"
exec {requests}< <(exec "$EXAMPLE/partner.py" "${SEED:-1}")
partner=$!
read -r -t "$patience" -u "$requests" WEBHOOK_URL || give_up "the partner didn't start"
export WEBHOOK_URL
tries=0 retries=0
mkfifo "$tmp/stderr"
"$actord" --config "$EXAMPLE/actord.yaml" 2>"$tmp/stderr" &
daemon=$!
exec {log}<"$tmp/stderr"
await_line 'daemon: ready'
ctl tree

title "The pictures are sent, and each is waited for"
mapfile -t ids < <(for picture in "$PICTURES"/*; do echo "{\"picture\":\"${picture##*/}\"}"; done |
    ctl send --jsonl album)
expect "messages accepted" 8 "${#ids[@]}"
await_ends "${ids[@]}" >"$tmp/ends"
cat "$tmp/ends"
expect "done" 7 "$(grep -c ': done' "$tmp/ends")"
expect "dead" 1 "$(grep -c ': dead' "$tmp/ends")"

title "What the partner saw: it fails half of the time, and is down for requests 6 to 11"
await_deliveries 7
await_ends "${delivered[@]}"
expect "retries, $retries of $tries requests" yes "$([ "$retries" -gt 0 ] && echo yes)"

title "The breaker opened and closed again"
await_line 'closed -> open'
await_line 'half_open -> closed'
grep -e 'breaker=partner' "$tmp/log" | sed 's/^/  /'
ctl breaker ls
expect "now" closed "$(ctl --json breaker ls | grep -o '"state":"[a-z_]*"' | cut -d '"' -f 4)"

title "The broken picture is a dead letter: the album's message, and the ask behind it"
ctl deadletters ls
mapfile -t letters < <(ctl -o name deadletters ls --actor album)
expect "of the album" 1 "${#letters[@]}"
ctl deadletters show "$(ctl -o name deadletters ls --actor thumbnail)"
expect "rejected, not retried" 2 "$(ctl -o name deadletters ls --reason rejected | wc -l)"

title "It is replaced by a good one, and the album's message replayed"
mv "$tmp/whole.jpg" "$PICTURES/broken.jpg"
again=$(ctl deadletters replay "${letters[0]}")
await_ends "$again"
expect "replayed" "done" "$(member state <"$tmp/message")"
await_deliveries 1
await_ends "${delivered[@]}"
ctl deadletters drop --actor thumbnail --yes
expect "dead letters left" 0 "$(ctl -o name deadletters ls | wc -l)"

title "The end"
ls -s "$ALBUM"
expect "thumbnails" 8 "$(find "$ALBUM" -name '*.thumb.jpg' | wc -l)"
expect "of them in the index" 8 "$(grep -c '"thumbnail"' "$ALBUM/index.json")"
ctl status --check
expect "healthy" 0 $?
stats=$(ctl raw '{"jsonrpc":"2.0","id":1,"method":"system.stats"}' | member result)
# The album's 8 + 1, as many asks of the thumbnail, 8 of the webhook.
expect "accepted" 26 "$(member accepted <<<"$stats")"
expect "done" 24 "$(member 'done' <<<"$stats")"
stop_daemon
expect "the daemon's exit status" 0 $?

[ "$wrong" -eq 0 ] || give_up "$wrong of the expectations above did not hold"
echo
echo "All was as expected."
