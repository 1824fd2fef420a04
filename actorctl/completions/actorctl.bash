_actorctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} first= second= word words= flags= ask=
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
        -*) ;;
        *) if [ -z "$first" ]; then first=$word
           elif [ -z "$second" ]; then second=$word; fi ;;
        esac
    done
    case $first in
    '') words=' status ls tree inspect state send ask result wait cancel spawn stop restart kill delete pause resume purge scale deadletters breaker check diff reload raw version help completion' ;;
    deadletters) if [ -z "$second" ]; then words=' ls show replay drop'; else first="$first $second"; fi ;;
    breaker) if [ -z "$second" ]; then words=' ls open close reset'; else first="$first $second"; fi ;;
    esac
    case $first in
    'status') flags=' --url --token-file --json --timeout --help --watch --check --version' ask='' ;;
    'ls') flags=' --url --token-file --json --timeout --help --output --watch --version' ask='' ;;
    'tree') flags=' --url --token-file --json --timeout --help --watch --version' ask='actorctl ls -o name --timeout 1s' ;;
    'inspect') flags=' --url --token-file --json --timeout --help --watch --version' ask='actorctl ls -o name --timeout 1s' ;;
    'state') flags=' --url --token-file --json --timeout --help --version' ask='actorctl ls -o name --timeout 1s' ;;
    'send') flags=' --url --token-file --json --timeout --help --delay --at --ttl --priority --key --jsonl --version' ask='actorctl ls -o name --timeout 1s' ;;
    'ask') flags=' --url --token-file --json --timeout --help --delay --at --ttl --priority --key --version' ask='actorctl ls -o name --timeout 1s' ;;
    'result') flags=' --url --token-file --json --timeout --help --version' ask='' ;;
    'wait') flags=' --url --token-file --json --timeout --help --version' ask='' ;;
    'cancel') flags=' --url --token-file --json --timeout --help --version' ask='' ;;
    'spawn') flags=' --url --token-file --json --timeout --help --under --restart --instances --set --exec --version' ask='' ;;
    'stop') flags=' --url --token-file --json --timeout --help --yes --dry-run --version' ask='actorctl ls -o name --timeout 1s' ;;
    'restart') flags=' --url --token-file --json --timeout --help --version' ask='actorctl ls -o name --timeout 1s' ;;
    'kill') flags=' --url --token-file --json --timeout --help --yes --dry-run --version' ask='actorctl ls -o name --timeout 1s' ;;
    'delete') flags=' --url --token-file --json --timeout --help --yes --dry-run --version' ask='actorctl ls -o name --timeout 1s' ;;
    'pause') flags=' --url --token-file --json --timeout --help --version' ask='actorctl ls -o name --timeout 1s' ;;
    'resume') flags=' --url --token-file --json --timeout --help --version' ask='actorctl ls -o name --timeout 1s' ;;
    'purge') flags=' --url --token-file --json --timeout --help --yes --dry-run --version' ask='actorctl ls -o name --timeout 1s' ;;
    'scale') flags=' --url --token-file --json --timeout --help --version' ask='actorctl ls -o name --timeout 1s' ;;
    'deadletters ls') flags=' --url --token-file --json --timeout --help --output --watch --actor --reason --since --version' ask='' ;;
    'deadletters show') flags=' --url --token-file --json --timeout --help --version' ask='actorctl deadletters ls -o name --timeout 1s' ;;
    'deadletters replay') flags=' --url --token-file --json --timeout --help --dry-run --actor --reason --since --version' ask='actorctl deadletters ls -o name --timeout 1s' ;;
    'deadletters drop') flags=' --url --token-file --json --timeout --help --yes --dry-run --actor --reason --since --version' ask='actorctl deadletters ls -o name --timeout 1s' ;;
    'breaker ls') flags=' --url --token-file --json --timeout --help --output --watch --version' ask='actorctl breaker ls -o name --timeout 1s' ;;
    'breaker open') flags=' --url --token-file --json --timeout --help --yes --dry-run --version' ask='actorctl breaker ls -o name --timeout 1s' ;;
    'breaker close') flags=' --url --token-file --json --timeout --help --version' ask='actorctl breaker ls -o name --timeout 1s' ;;
    'breaker reset') flags=' --url --token-file --json --timeout --help --version' ask='actorctl breaker ls -o name --timeout 1s' ;;
    'check') flags=' --url --token-file --json --timeout --help --version' ask='file' ;;
    'diff') flags=' --url --token-file --json --timeout --help --version' ask='' ;;
    'reload') flags=' --url --token-file --json --timeout --help --version' ask='' ;;
    'raw') flags=' --url --token-file --json --timeout --help --version' ask='' ;;
    'version') flags=' --url --token-file --json --timeout --help --version' ask='' ;;
    'help') flags=' --url --token-file --json --timeout --help --version' ask='' ;;
    'completion') flags=' --url --token-file --json --timeout --help --version' ask='' ;;
    esac
    case $cur in
    -*) words=$flags ;;
    *) case $ask in
       '') ;;
       file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
       *) words=$($ask 2>/dev/null) ;;
       esac ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _actorctl actorctl
