# examples.bats: every example runs and says what it should; the model file is read by numpy too.

example() {
    "$T2M_BUILD/tests/example_$1" "${@:2}"
}

@test "the five steps on a CSV" {
    run example five_steps examples/data/points.csv
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"generated and tuned"* ]]
    # the generated line beside the least-squares line
    python3 - "$output" <<'PY'
import re, sys
lines = {l.split("y =")[0].strip(): [float(v) for v in re.findall(r"-?\d+\.\d+", l.split("y =")[1])[:2]]
         for l in sys.argv[1].splitlines() if "y =" in l}
for a, b in zip(lines["generated"], lines["least squares"]):
    assert abs(a - b) < 0.15, lines
PY
}

@test "a classifier from picture files" {
    run example classify_pictures learners/characters.safetensors data/omniglot/unseen/shots \
        data/omniglot/unseen/new/character01/*.png
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c ': character01' <<< "$output")" -ge 4 ]
}

@test "MAML by hand, a new structure, a gradient checked" {
    example maml_by_hand
    example new_structure
    example check_gradient
}

@test "a model alone, in C and in numpy" {
    cd "$BATS_TEST_TMPDIR"
    "$T2M" train builtin:sinusoid -o l --method maml --steps 50 2>/dev/null
    "$T2M" build l "$BATS_TEST_DIRNAME/../examples/data/points.csv" -o m
    local python
    for python in python3 /usr/bin/python3 none; do
        $python -c 'import numpy' 2>/dev/null && break
    done
    [ "$python" != none ] || skip "no numpy"
    for x in -2 0.3 4; do
        a=$(example model_alone m $x)
        b=$($python "$BATS_TEST_DIRNAME/../examples/read_model.py" m $x)
        python3 -c "assert abs($a - $b) <= 1e-5 * (1 + abs($b)), ($a, $b)"
    done
}

@test "the examples are short" {
    for f in examples/*.c; do
        [ "$(wc -l < "$f")" -le 80 ]
    done
}
