# Becomes the host ("$@"). Standard input is a pipe that the stack holds: when it closes, the stack is gone or wants the
# host gone. The pipe stays open as descriptor 3, so that the functions know as well (cargo.sh).
exec 3<&0 </dev/null
host=$$
(
    read -r _ <&3
    kill -TERM $host 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        kill -0 $host 2>/dev/null || exit
        sleep 0.1
    done
    kill -KILL $host 2>/dev/null
) &
exec "$@"
