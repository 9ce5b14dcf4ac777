#!/usr/bin/env python3
"""Draws the validation of a training against its steps, as SVG. Usage: curve.py LEARNER.run/log.jsonl TITLE > picture.svg"""
import json
import sys

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 300, 64, 40, 20, 48
GRID, CURVE = 'stroke="#ddd"', 'fill="none" stroke="#1b6ca8" stroke-width="2"'


def read(path):
    with open(path) as f:
        records = [json.loads(line) for line in f]
    return [(r["step"], r["validation"]) for r in records if r.get("validation") is not None]


def text(x, y, words, anchor="middle", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{words}</text>'


def draw(points, title):
    steps, values = zip(*points)
    low, high = min(values), max(values)

    def x_of(step):
        return LEFT + step / steps[-1] * (WIDTH - LEFT - RIGHT)

    def y_of(value):
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
    best = points[values.index(low)]
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif">')
    print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', text(WIDTH / 2, 22, title, size=14))
    for value in (low, (low + high) / 2, high):
        print(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_of(value):.1f}" y2="{y_of(value):.1f}" {GRID}/>',
              text(LEFT - 6, y_of(value) + 4, f"{value:.4f}", "end"))
    for step in range(0, steps[-1] + 1, steps[-1] // 5):
        print(text(x_of(step), HEIGHT - BOTTOM + 18, step))
    print(f'<polyline points="{" ".join(f"{x_of(s):.1f},{y_of(v):.1f}" for s, v in points)}" {CURVE}/>')
    print(f'<circle cx="{x_of(best[0]):.1f}" cy="{y_of(best[1]):.1f}" r="5" fill="#e07a1f"/>', text(WIDTH / 2, HEIGHT - 10, "meta-steps"))
    print("</svg>")


draw(read(sys.argv[1]), sys.argv[2])
