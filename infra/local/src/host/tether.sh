# Becomes the host ("$@"). Standard input is a pipe that the stack holds: when it closes, the stack is gone or wants the
# host gone. The pipe stays open as descriptor 3, so that the functions know as well (cargo.sh).
exec 3<&0 </dev/null
host=$$
(
    read -r _ <&3
    # Not SIGTERM: told to end, cargo-lambda now and then panics while its runtime shuts down. It keeps nothing that wants an
    # orderly end.
    kill -KILL $host 2>/dev/null
) &
exec "$@"
