#!/usr/bin/env python3
"""Pictures with masks, of one class against the rest that was never trained on, from 1 and 5 pictures that show it: a learner beside its
controls and a U-Net trained from scratch on the same number of pictures.
Usage: masks.py DATA [--t2m PATH] [--learner NAME] [options], or masks.py DATA --choose for the settings of masks_unet.py.
DATA: a folder with the archives of SETS and a classes.csv beside each. What is printed is one Markdown table: intersection over union (and
Dice, where the head says so) of the pixels of a task's query pictures, mean of the tasks, in %, with 1.96 s / sqrt(n). t2m eval draws its
tasks in C, the U-Net's are drawn in the same way. The U-Net's answers are kept in --folder, so a run that was cut goes on where it was."""
import argparse
import json
import pathlib
import re
import sys

import masks_draw as draw
import masks_unet as unet
from texts_command import Command, CommandError
from texts_report import cell, note, percent, table

SHOTS, QUERIES = [1, 5], 5
UNET_SHOTS = 5
# archive -> the split whose classes are used, or None for all; the last two are of kinds that no training has seen
SETS = {"seg_ccp/ccp_val": "val", "seg_voc/voc_val": "val", "seg_nuclei/nuclei": "val", "seg_magtile/magtile": "val",
        "seg_cwfid/cwfid": None, "seg_membrane/membrane": None}
CHOSEN_ON = {"seg_ccp/ccp_train": "train", "seg_voc/voc_train": "train", "seg_nuclei/nuclei": "train", "seg_magtile/magtile": "train"}
CONTROLS = ["naive-bayes", "scratch", "wrong-task", "tuned"]


def short(name):
    return name.partition("/")[2]


def side_of(given):
    """In pixels, of the learner's pictures."""
    settings = json.loads(given.command.run("info", given.learner, "--json"))["data"]["results"]["settings"]
    return int(re.search(r" size=([0-9]+)x", settings)[1])


def path_of(given, name):
    return given.data / f"{name}.zip"


# ---- t2m ----


def eval_cells(given, name, shots):
    split = ["--split", SETS[name]] if SETS[name] else []
    said = given.command.run("eval", given.learner, path_of(given, name), *split, "--shots", shots, "--queries", QUERIES, "--tasks",
                             given.tasks, "--json")
    data = json.loads(said)["data"]
    rows = {row["name"]: row for row in data["rows"] + data["controls"]}
    return [*(percent(rows[r]["mean"], rows[r]["ci95"]) for r in CONTROLS), percent(rows["tuned"]["dice"], rows["tuned"]["dice_ci95"])]


# ---- the U-Net ----


def unet_answers(pictures, settings, tasks, keep=None):
    """[task] of intersection over union, Dice, seconds. keep: a file of answers, a line each after what they are answers to."""
    words = json.dumps([settings, UNET_SHOTS, QUERIES, pictures.fingerprint]) + "\n"
    lines = keep.read_text().splitlines(keepends=True) if keep and keep.exists() else []
    if lines[:1] != [words]:
        lines = [words]
        if keep:
            keep.write_text(words)
    answers = [json.loads(line) for line in lines[1:tasks + 1]]
    for number in range(len(answers), tasks):
        answers.append(unet.measure(pictures.task(UNET_SHOTS, QUERIES, number), settings, number))
        if keep:
            with keep.open("a") as f:
                f.write(json.dumps(answers[-1]) + "\n")
        print(f"U-Net, {pictures.name}, task {number + 1} of {tasks}: {100 * answers[-1][0]:.1f}", file=sys.stderr, flush=True)
    return answers


def unet_cells(given, name):
    pictures = draw.Pictures(path_of(given, name), SETS[name], given.side)
    iou, dice, seconds = zip(*unet_answers(pictures, unet.SETTINGS, given.unet_tasks, given.folder / f"unet-{short(name)}.jsonl"))
    return [cell(iou), cell(dice), f"{sum(seconds) / len(seconds):.1f}"]


def choose(given):
    rows = [["steps, rate, balance, zoom", *map(short, CHOSEN_ON)]]
    pictures = [draw.Pictures(path_of(given, name), split, given.side) for name, split in CHOSEN_ON.items()]
    for settings in unet.CHOICES:
        answers = [unet_answers(p, settings, given.unet_tasks) for p in pictures]
        rows.append([", ".join(map(str, settings)), *(cell([iou for iou, _, _ in a]) for a in answers)])
    table(f"U-Net on classes for training, {UNET_SHOTS} pictures, {given.unet_tasks} tasks of each set: IoU in %", rows)


# ---- all of it ----


def show(given):
    rows = [["set, pictures", *CONTROLS, "Dice of tuned", "U-Net", "Dice of U-Net", "seconds of U-Net"]]
    for name in given.sets:
        of_unet = unet_cells(given, name) if given.unet_tasks else [""] * 3
        for shots in SHOTS:
            of_t2m = eval_cells(given, name, shots) if given.tasks else [""] * (len(CONTROLS) + 1)
            rows.append([f"{short(name)} {shots}", *of_t2m, *(of_unet if shots == UNET_SHOTS else [""] * 3)])
    pixels = f"{given.side} x {given.side} pixels"
    table(f"One class of 1 and 5 pictures, {QUERIES} queries: IoU in %, {pixels}, {given.tasks} tasks, of U-Net {given.unet_tasks}", rows)
    note(f"Learner: {given.learner}. U-Net: {', '.join(f'{k} {v}' for k, v in unet.SETTINGS._asdict().items())}, on one thread.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--t2m", type=pathlib.Path, default=pathlib.Path("build/release/t2m"))
    parser.add_argument("--learner", default="masks", help="a file, or the name of a shipped one")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=list(SETS), help=f"of {','.join(SETS)}")
    parser.add_argument("--tasks", type=int, default=300, help="of t2m; 0: without")
    parser.add_argument("--unet-tasks", type=int, default=40, help="of the U-Net; 0: without")
    parser.add_argument("--choose", action="store_true", help="choose the U-Net's settings on classes for training")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("build/bench-masks"), help="for the U-Net's answers")
    given = parser.parse_args()
    if unknown := set(given.sets) - set(SETS):
        parser.error(f"--sets: no set {', '.join(sorted(unknown))}")
    given.command = Command(given.t2m, given.folder)
    try:
        given.side = side_of(given)
        choose(given) if given.choose else show(given)
    except (CommandError, OSError) as error:
        sys.exit(str(error))


main()
