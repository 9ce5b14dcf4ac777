"""Sets of pictures with masks and the tasks drawn from them, for masks.py: pictures and labels are made smaller and a class's pictures are
chosen as t2m eval does it (src/task/mask_family.c, mask_episode.c); the draws are others. Each follows from its number."""
import collections
import csv
import io
import zipfile
import zlib

import numpy as np
from PIL import Image

IGNORE = 255
FEWEST, PART = 200, 5  # a picture has a class if a 200th of its pixels shows it, or a fifth of what is usual there
Task = collections.namedtuple("Task", "x y shots")  # x [picture, 3, side, side], y of them: 1 in the class, 0 outside, -1 unknown


def weights(size, side):
    """[side, size]: the area that each new pixel covers; of a smaller picture, linear interpolation."""
    scale, first, old = size / side, np.arange(side)[:, None] * size / side, np.arange(size)
    if size > side:
        return np.clip(np.minimum(first + scale, old + 1) - np.maximum(first, old), 0, None) / scale
    return np.array([np.interp((np.arange(side) + 0.5) * scale - 0.5, old, row) for row in np.eye(size)]).T


def resized(picture, side):
    """[height, width, 3] of bytes becomes [3, side, side] of 0 to 1."""
    height, width, _ = picture.shape
    return np.einsum("ih,hwc,jw->cij", weights(height, side), picture / 255, weights(width, side), optimize=True)


def resized_labels(label, side):
    rows, columns = ((2 * np.arange(side) + 1) * size // (2 * side) for size in label.shape)
    return label[np.ix_(rows, columns)]


class Pictures:
    """x [n, 3, side, side], label [n, side, side], and pictures: id of a class -> which show it. Of an archive of images/ and masks/ with
    classes.csv beside it; split: of which classes, or None for all."""
    def __init__(self, path, split, side):
        with zipfile.ZipFile(path) as archive:
            def read(name, mode=None):
                picture = Image.open(io.BytesIO(archive.read(name)))
                return np.asarray(picture.convert(mode) if mode else picture)
            images = sorted(name for name in archive.namelist() if "images/" in name and not name.endswith("/"))
            self.x = np.array([resized(read(name, "RGB"), side) for name in images], np.float32)
            masks = [name.replace("images/", "masks/").rpartition(".")[0] + ".png" for name in images]
            self.label = np.array([resized_labels(read(name), side) for name in masks])
        with open(path.parent / "classes.csv", encoding="utf8") as f:
            ids = [int(row["id"]) for row in csv.DictReader(f) if split in (None, row["split"])]
        self.pictures = {id: self.showing(id) for id in ids}
        self.name, self.fingerprint = path.stem, zlib.crc32(self.label.tobytes(), zlib.crc32(self.x.tobytes()))

    def showing(self, id):
        pixels = np.count_nonzero(self.label == id, axis=(1, 2))
        sizes = np.sort(pixels[pixels > 0])
        usual = int(sizes[len(sizes) // 2]) if len(sizes) else 0
        return np.flatnonzero(pixels >= max(min(usual // PART, self.label[0].size // FEWEST), 1))

    def task(self, shots, queries, number):
        random = np.random.default_rng([zlib.crc32(self.name.encode()), shots, number])
        id = random.choice([id for id, rows in self.pictures.items() if len(rows) > shots])
        rows = random.permutation(self.pictures[id])[:shots + queries]
        label = self.label[rows]
        return Task(self.x[rows], np.where(label == IGNORE, -1, label == id).astype(np.float32), shots)


def overlap(said, y):
    """Intersection over union and Dice, of all pixels together that are known. said: of bool."""
    both, either = np.count_nonzero(said & (y == 1)), np.count_nonzero((said & (y >= 0)) | (y == 1))
    return both / either, 2 * both / (both + either)
