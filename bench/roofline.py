#!/usr/bin/env python3
"""Draws the products and convolutions of a profile under the machine's two limits, as SVG.
Usage: bench --threads 1 --only W2 --profile | roofline.py PEAK_GFLOPS BANDWIDTH_GBS TITLE > picture.svg
Bytes are those of a step's operands and results, so what lies in cache may pass the slope."""
import math
import re
import sys

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 440, 64, 40, 20, 52
LOW_X, HIGH_X, LOW_Y, HIGH_Y = 0.25, 1024, 2, 512  # FLOP a byte; GFLOP/s
COLOURS = {"conv2d": "#1b6ca8", "conv2d_input": "#2a9d8f", "conv2d_filter": "#e07a1f", "matmul": "#7b4ea3"}
LINE = re.compile(r"\s*([\d.]+) %\s+([\d.]+) us\s+([\d.]+) GFLOP/s\s+([\d.]+) GB/s\s+(\w+) \[")


def x_of(value):
    part = math.log(value / LOW_X) / math.log(HIGH_X / LOW_X)
    return LEFT + part * (WIDTH - LEFT - RIGHT)


def y_of(value):
    part = math.log(value / LOW_Y) / math.log(HIGH_Y / LOW_Y)
    return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)


def text(x, y, words, anchor="middle", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'


def line(x1, y1, x2, y2, style):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def axes():
    grid, out, value = 'stroke="#ddd"', [], LOW_X
    while value <= HIGH_X:
        out += [line(x_of(value), TOP, x_of(value), HEIGHT - BOTTOM, grid),
                text(x_of(value), HEIGHT - BOTTOM + 16, f"{value:g}")]
        value *= 4
    value = LOW_Y
    while value <= HIGH_Y:
        out += [line(LEFT, y_of(value), WIDTH - RIGHT, y_of(value), grid), text(LEFT - 6, y_of(value) + 4, f"{value:g}", "end")]
        value *= 4
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "multiply-adds x 2 for each byte of operands and results"))
    out.append(text(16, TOP - 12, "GFLOP/s (nominal)", "start"))
    return out


def roof(peak, bandwidth):
    knee, style = peak / bandwidth, 'stroke="#444" stroke-width="2"'
    start = max(LOW_X, LOW_Y / bandwidth)
    return [line(x_of(start), y_of(start * bandwidth), x_of(knee), y_of(peak), style),
            line(x_of(knee), y_of(peak), x_of(HIGH_X), y_of(peak), style),
            text(WIDTH - RIGHT - 4, y_of(peak) + 16, f"{peak:g} GFLOP/s", "end"),
            text(x_of(knee) - 8, y_of(peak) - 6, f"{bandwidth:g} GB/s from memory", "end")]


def points(lines):
    out = []
    for found in filter(None, map(LINE.match, lines)):
        share, _, flops, rate, name = found.groups()
        if name in COLOURS and float(flops) > LOW_Y and float(rate) > 0:
            x = min(max(float(flops) / float(rate), LOW_X), HIGH_X)
            radius = 2.5 + 2 * math.sqrt(float(share))
            out.append(f'<circle cx="{x_of(x):.1f}" cy="{y_of(min(float(flops), HIGH_Y)):.1f}" r="{radius:.1f}" '
                       f'fill="{COLOURS[name]}" fill-opacity="0.6"/>')
    return out


def legend():
    out = []
    for i, (name, colour) in enumerate(COLOURS.items()):
        y = HEIGHT - BOTTOM - 14 - 18 * i
        out += [f'<circle cx="{WIDTH - 130}" cy="{y}" r="6" fill="{colour}" fill-opacity="0.6"/>',
                text(WIDTH - 118, y + 4, name, "start")]
    return out


peak, bandwidth, title = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">')
print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
print(text(WIDTH / 2, 22, title, size=14))
print("\n".join(axes() + roof(peak, bandwidth) + points(sys.stdin.readlines()) + legend()))
print("</svg>")
