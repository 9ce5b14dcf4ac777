#!/bin/sh
# The whole product on real input, in six parts. Usage: demo.sh T2M
set -eu
cd "$(dirname "$0")/.."
t2m=$1
out=build/demo
rm -rf "$out"
mkdir -p "$out"
say() { printf '\n=== %s\n\n' "$1"; }
show() { printf '$ t2m %s\n' "$*"; "$t2m" "$@"; }

say "1. Five Hebrew characters, one drawing each; the shipped learner never saw this alphabet"
show build learners/characters.safetensors data/omniglot/unseen/shots -o "$out/hebrew"
printf '\n$ t2m predict %s/hebrew data/omniglot/unseen/new/*/*.png\n' "$out"
"$t2m" predict "$out/hebrew" data/omniglot/unseen/new/*/*.png > "$out/answers.csv"
sed -n '1,6p' "$out/answers.csv"
awk -F, 'NR > 1 { n++; split($1, part, "/"); right += part[5] == $2 }
    END { printf "...\n%d of %d other drawings are right\n", right, n }' "$out/answers.csv"

say "2. A table of text, numbers, dates and an empty cell; then rows in another order, one of a new colour"
show build examples/data/fruit.csv -o "$out/fruit"
printf '\n'
show predict "$out/fruit" examples/data/new_fruit.csv

say "3. Ten intents of an assistant, five examples each; then an eleventh, while the model is in use"
show build learners/intents.safetensors data/intents/shots.jsonl -o "$out/intents"
printf '\n$ t2m predict %s/intents data/intents/new.jsonl\n' "$out"
"$t2m" predict "$out/intents" data/intents/new.jsonl > "$out/answers.csv"
sed -n '1,4p' "$out/answers.csv"
printf '...\n'
right() { # file of labelled texts, answers: how many are right
    sed 's/.*"label": "\(.*\)"}$/\1/' "$1" | paste -d, - "$2" |
        awk -F, '{ n++; right += $1 == $4 } END { printf "%d of %d new texts are right", right, n }'
}
sed 1d "$out/answers.csv" > "$out/rows.csv"
printf '%s\n\n' "$(right data/intents/new.jsonl "$out/rows.csv")"
show build "$out/intents" data/intents/fraud.jsonl --add report_fraud -o "$out/eleven"
cat data/intents/new.jsonl data/intents/new_fraud.jsonl > "$out/all.jsonl"
"$t2m" predict "$out/eleven" "$out/all.jsonl" | sed 1d > "$out/rows.csv"
printf '%s, of eleven intents\n\n' "$(right "$out/all.jsonl" "$out/rows.csv")"
printf '$ echo "my flight was moved and my suitcase is not here" | t2m predict %s/eleven -\n' "$out"
echo "my flight was moved and my suitcase is not here" | "$t2m" predict "$out/eleven" -

say "4. Five pictures of stained cells, with masks of their nuclei; then masks of seven others"
if [ -e learners/masks.safetensors ]; then
    show build learners/masks.safetensors data/nuclei/shots -o "$out/nuclei.model"
    printf '\n$ t2m predict %s/nuclei.model data/nuclei/new/images/*.jpg --out %s/nuclei --overlay\n' "$out" "$out"
    "$t2m" predict "$out/nuclei.model" data/nuclei/new/images/*.jpg --out "$out/nuclei" --overlay
    printf '\nto look at: %s/nuclei/*.overlay.png; the true masks are in data/nuclei/new/masks\n' "$out"
else
    printf 'left out: learners/masks.safetensors is not there\n'
fi

say "5. The worked example: a line through ten noisy points; t is the list of the points, m the line"
cmake --build "$(dirname "$t2m")" --target example_five_steps >/dev/null
"$(dirname "$t2m")/tests/example_five_steps" examples/data/points.csv

say "6. A minute of meta-training on 792 characters, then tasks of alphabets it never saw"
show train data/omniglot/train.npz -o "$out/small" --structure conv4:32 --ways 20 --queries 5 \
    --meta-batch 2 --steps 1000 --minutes 0.9 --validation data/omniglot/validation.npz --validation-tasks 50
printf '\n'
show eval "$out/small" data/omniglot/validation.npz --ways 5 --shots 1 --tasks 300
