# docs.bats: the manual, the pages and the command say the same.

@test "the manual has every option of --help, and no other" {
    python3 - "$T2M" <<'PY'
import re, subprocess, sys
page = open("docs/t2m.1").read().replace("\\-", "-")
part = dict(re.findall(r"^\.SS (.*?)\n(.*?)(?=^\.S[SH] )", page, re.M | re.S))
def in_manual(title):
    heads = "\n".join(line for line in part[title].splitlines() if line.startswith((".B", ".BI", ".BR")))
    return set(re.findall(r"--[a-z][a-z-]*", heads))
common = in_manual("Of all commands")
for verb in "train", "build", "predict", "eval", "represent", "report", "info":
    text = subprocess.run([sys.argv[1], verb, "--help"], capture_output=True, text=True).stdout
    printed = set(re.findall(r"^ +(?:-\w, )?(--[a-z][a-z-]*)", text, re.M))
    manual = in_manual("t2m " + verb) | common
    assert printed == manual, (verb, "only printed", printed - manual, "only in the manual", manual - printed)
PY
}

@test "the manual is good troff" {
    command -v man >/dev/null || skip "no man"
    [ -z "$(man --warnings -l docs/t2m.1 2>&1 >/dev/null)" ]
}

@test "the pages name no option, target or file that is not there" {
    python3 - "$T2M" <<'PY'
import pathlib, re, subprocess, sys
known = {"--version"}
for source in pathlib.Path("bench").rglob("*.[cp]*"): # the benchmark's own
    known |= set(re.findall(r"--[a-z][a-z-]*", source.read_text()))
for verb in "train", "build", "predict", "eval", "represent", "report", "info":
    known |= set(re.findall(r"--[a-z][a-z-]*", subprocess.run([sys.argv[1], verb, "-h"], capture_output=True, text=True).stdout))
targets = set(re.findall(r"^([a-z-]+):", open("Makefile").read(), re.M))
faults = []
for page in [pathlib.Path("README.md"), pathlib.Path("CONTRIBUTING.md"), *sorted(pathlib.Path("docs").glob("*.md"))]:
    text = page.read_text()
    for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", text):
        faults += [f"{page}: {option}"] * (option not in known)
    for target in re.findall(r"`make ([a-z-]+)", text):
        faults += [f"{page}: make {target}"] * (target not in targets)
    for name in re.findall(r"`((?:src|docs|tests|tools|examples|fuzz|data|learners|include|bench)/[\w./-]*\w)`", text):
        faults += [f"{page}: {name}"] * (not pathlib.Path(name).exists())
    for name in re.findall(r"\]\(([\w./-]+)\)", text):
        faults += [f"{page}: {name}"] * (not (page.parent / name).exists())
assert not faults, faults
PY
}

@test "the errors page has every status and its exit code" {
    python3 - <<'PY'
import re
header = open("include/task2model.h").read()
page = open("docs/errors.md").read()
names = dict(re.findall(r"(T2M_\w+) = -?(\d+)", header))
codes = {int(v) for k, v in names.items() if k.startswith(("T2M_E", "T2M_OK"))} - {9} # 9 leaves as 128 + the signal
rows = {int(c) for row in re.findall(r"^\| ([\d, ]+) \|", page, re.M) for c in row.split(",")}
assert codes | {130, 143} == rows, (codes, rows)
PY
}

# Every "$ " line of a console block runs, in the order of the page, and prints what the page shows:
# words alike, numbers to a tenth (methods and processors change), times not compared, nor the step that was
# best.
examples_print() { # page, the fewest commands that it has
    [ -z "${T2M_SANITIZED:-}" ] || skip "in the release build"
    cp -r data/nuclei data/omniglot/unseen/* examples/data/*.csv data/intents/*.jsonl data/intents/*.txt "$BATS_TEST_TMPDIR"
    local page=$PWD/$1
    cd "$BATS_TEST_TMPDIR"
    PATH=$(dirname "$T2M"):$PATH python3 - "$page" "$2" <<'PY'
import re, subprocess, sys
def words(line, table):
    if table: # the column of times
        line = re.sub(r"^(\S+\s+\S+\s+\S+)\s+\S+(\s+\d+(\s+\S+\s+\S+)?)$", r"\1\2", line)
    line = re.sub(r"(after step) \d+: [\d.]+$", r"\1 N", re.sub(r"[\d.]+ (ms\b|s\b|% outside)", "TIME", line))
    return re.findall(r"-?\d+(?:\.\d+)?|[^\d\s]+", line)
def near(x, y):
    try:
        return abs(float(x) - float(y)) <= 0.03 + 0.5 * abs(float(x))
    except ValueError:
        return x == y
commands = 0
for block in re.findall(r"```console\n(.*?)```", open(sys.argv[1]).read(), re.S):
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *shown = part.strip().split("\n")
        done = subprocess.run(command, shell=True, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
        printed = done.stdout.strip().split("\n")
        assert len(shown) == len(printed), (command, printed)
        for a, b in zip(shown, printed):
            x, y = words(a, "ms/task" in done.stdout), words(b, "ms/task" in done.stdout)
            assert len(x) == len(y) and all(map(near, x, y)), (command, a, b)
        commands += 1
assert commands >= int(sys.argv[2]), commands
PY
}

@test "the examples of the README print what it shows" {
    [ -e learners/intents.safetensors ] || skip "no shipped learner of texts"
    examples_print README.md 12
}

@test "the examples of the page on tables print what it shows" {
    [ -e learners/tables.safetensors ] || skip "no shipped learner of tables"
    examples_print docs/tables.md 4
}

@test "the examples of the page on texts print what it shows" {
    [ -e learners/intents.safetensors ] || skip "no shipped learner of texts"
    examples_print docs/texts.md 7
}

@test "the examples of the page on pictures with masks print what it shows" {
    [ -e learners/masks.safetensors ] || skip "no shipped learner of pictures with masks"
    examples_print docs/masks.md 3
}
