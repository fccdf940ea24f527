#!/bin/sh
# What cargo-lambda finds as `cargo`. Its `cargo run` becomes the binary that was built already: no lock to wait for, and
# nothing compiled behind the stack's back. One that dies is started again, as Lambda does.
PATH=${PATH#*:}
[ "$1" = run ] || exec cargo "$@"

# The runtime API goes through the stack, which notices that an invocation died with its process.
AWS_LAMBDA_RUNTIME_API=$LOCAL_RUNTIME_API/$AWS_LAMBDA_INSTANCE_ID/$AWS_LAMBDA_FUNCTION_NAME
RUST_LOG=$LOCAL_RUST_LOG
export AWS_LAMBDA_RUNTIME_API RUST_LOG PATH
unset AWS_LAMBDA_MAX_CONCURRENCY

# cargo-lambda gives each instance a process group. It ends with the stack, whatever becomes of cargo-lambda.
(
    read -r _ <&3
    kill -KILL 0
) &

pause=0
while :; do
    started=$(date +%s)
    "$LOCAL_BINARIES/$AWS_LAMBDA_FUNCTION_NAME"
    status=$?
    # One that dies at once, again and again, is started ever more slowly.
    [ $(($(date +%s) - started)) -gt 10 ] && pause=0
    echo "function $AWS_LAMBDA_FUNCTION_NAME ended with status $status; starting it again in $pause s" >&2
    sleep $pause
    [ $pause -lt 5 ] && pause=$((pause + 1))
done
