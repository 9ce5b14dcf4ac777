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

@test "a model alone, linked statically" {
    [ -z "${T2M_SANITIZED:-}" ] || skip "in the release build"
    cmake --build "$T2M_BUILD" --target model_alone_static
    cd "$BATS_TEST_TMPDIR"
    "$T2M" train builtin:sinusoid -o l --method maml --steps 5 --validation-tasks 5 2>/dev/null
    "$T2M" build l "$BATS_TEST_DIRNAME/../examples/data/points.csv" -o m
    ! ldd "$T2M_BUILD/tests/model_alone_static"
    [ "$("$T2M_BUILD/tests/model_alone_static" m 0.3)" = "$(example model_alone m 0.3)" ]
}

@test "installed: the command, the shipped learner, pkg-config, the manual" {
    [ -z "${T2M_SANITIZED:-}" ] || skip "in the release build"
    local prefix=$BATS_TEST_TMPDIR/usr
    cmake --install "$T2M_BUILD" --prefix "$prefix" >/dev/null
    cp examples/model_alone.c "$BATS_TEST_TMPDIR"
    cp -r data/omniglot/unseen/shots "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    export PKG_CONFIG_PATH=$prefix/lib/pkgconfig:$(echo "$prefix"/lib/*/pkgconfig)
    [ "$(pkg-config --modversion task2model)" = "$("$prefix/bin/t2m" --version | cut -d' ' -f2)" ]
    cc model_alone.c $(pkg-config --cflags --libs task2model) -o alone
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir task2model) ldd alone | grep -q "$prefix"
    "$prefix/bin/t2m" build shots -o m
    [ -e "$prefix/share/man/man1/t2m.1" ]
}

@test "the examples are short" {
    for f in examples/*.c; do
        [ "$(wc -l < "$f")" -le 80 ]
    done
}
