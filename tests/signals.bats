# signals.bats: Ctrl-C and SIGTERM at any time: told at once, the unfinished meta-step dropped, the last
# complete one saved, exit 130 or 143; a second signal ends the process; resuming gives the same bytes.

load helpers

@test "interrupted training is saved and goes on to the same bytes" {
    local how=(train builtin:sinusoid --method maml --structure mlp:8 --steps 4000 --validation-tasks 5)
    "$T2M" "${how[@]}" -o whole 2>/dev/null
    "$T2M" "${how[@]}" -o parts 2>/dev/null >/dev/null &
    local pid=$!
    for _ in $(seq 600); do
        [ -e parts.run/log.jsonl ] || [ -e parts ] && break
        sleep 0.05
    done
    kill -INT $pid || true
    wait $pid || true
    if [ ! -e parts ]; then
        [ -e parts.run/last ]
        "$T2M" "${how[@]}" -o parts --resume 2>/dev/null
    fi
    cmp whole parts
}

@test "a meta-step of many seconds does not delay a signal" {
    pictures family 6 6
    python3 - "$T2M" <<'PY'
import os, signal, subprocess, sys, time
limit = 20 if "T2M_SANITIZED" in os.environ else 2
how = [sys.argv[1], "train", "family", "--method", "maml", "--structure", "conv4:32", "--ways", "5", "--queries", "5",
       "--meta-batch", "1500", "--inner-steps", "5"]

def stopped(output, number, again):
    p = subprocess.Popen(how + ["-o", output], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not os.path.exists(output + ".run/manifest.json"):
        time.sleep(0.02)
    time.sleep(0.5)
    assert p.poll() is None
    start = time.monotonic()
    p.send_signal(number)
    for line in p.stderr:
        if "stopping" in line:
            break
    told = time.monotonic() - start
    if again:
        p.send_signal(number)
    p.stderr.read()
    code, took = p.wait(), time.monotonic() - start
    print(output, "told after", told, "over after", took, "code", code)
    assert told < 1 and took < limit
    return code

assert stopped("int", signal.SIGINT, False) == 130
assert stopped("term", signal.SIGTERM, False) == 143
for output in "int", "term":
    assert os.path.exists(output + ".run/last") and not os.path.exists(output), output
assert stopped("twice", signal.SIGINT, True) in (-signal.SIGINT, 130)
assert not any(name.endswith(".tmp") for name in os.listdir("int.run") + os.listdir("term.run"))
# goes on from step 0, with the same arguments
p = subprocess.Popen(how + ["-o", "int", "--resume"], stderr=subprocess.PIPE, text=True)
time.sleep(1)
p.send_signal(signal.SIGINT)
text = p.communicate()[1]
assert p.returncode == 130 and "stopped after step 0 of 10000" in text and "--resume" in text, text
PY
}

@test "an evaluation is stopped too" {
    small_learner l
    "$T2M" eval l family --queries 2 --tasks 10000000 --json > out 2> err &
    local pid=$!
    sleep 0.5
    kill -TERM $pid
    local code=0
    wait $pid || code=$?
    [ "$code" -eq 143 ]
    [ "$(field 'd["error"]["code"]' < out)" -eq 143 ]
}

@test "killed at any time: last or previous goes on to the same bytes" {
    local how=(train builtin:sinusoid --method maml --structure mlp:8 --steps 300 --validation-tasks 5)
    "$T2M" "${how[@]}" -o whole 2>/dev/null
    for delay in 0.05 0.1 0.15 0.2 0.3; do
        "$T2M" "${how[@]}" -o parts 2>/dev/null >/dev/null &
        local pid=$!
        sleep $delay
        kill -INT $pid 2>/dev/null || true # makes it write its checkpoint ...
        sleep 0.01
        kill -KILL $pid 2>/dev/null || true # ... and dies about then
        wait $pid || true
        if [ ! -e parts ]; then
            if [ -e parts.run/last ] || [ -e parts.run/previous ]; then
                "$T2M" "${how[@]}" -o parts --resume 2>/dev/null
            else
                "$T2M" "${how[@]}" -o parts --force 2>/dev/null
            fi
        fi
        cmp whole parts
        rm -r parts parts.run
    done
}
