#!/usr/bin/env python3
"""An encoder of texts here and in sentence-transformers: the largest difference of their vectors, and the processor
time for a text, alone and in batches, on one thread each.

    encoder.py FOLDER TEXTS [--library build/release/libtask2model.so] [--count 200]

FOLDER: the encoder, with config.json, vocab.txt and model.safetensors. TEXTS: one a line; `count` of them are drawn,
and hard ones are added: accents, Chinese, emoji, punctuation, words too long, one text of all words of 500 others."""
import argparse
import ctypes
import json
import os
import random
import time

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1",
                  CUDA_VISIBLE_DEVICES="")
import numpy as np

HARD = ["", "   ", "Café naïve Ångström ÀÉÎÕÜ ß ẞ İstanbul", "日本語 と 中文 mixed 한국어", "😀 party 🎉🎊👩‍👩‍👧",
        "$5.00!! (a+b)=c^2 `x` ~y~ «q» “quoted” … —", "[MASK] is [SEP] [mask]", "x" * 100, "x" * 101,
        "tab\tand\nline\r\n\u00a0\u200b\ufeffend"]


class Options(ctypes.Structure):
    _fields_ = [("version", ctypes.c_int), ("threads", ctypes.c_size_t), ("max_memory", ctypes.c_size_t),
                ("isa", ctypes.c_char_p), ("alloc", ctypes.c_void_p), ("io", ctypes.c_void_p),
                ("profile", ctypes.c_bool)]


class Ours:
    """src/mapping/encoder.h through the shared library."""

    def __init__(self, library, folder):
        self.c = ctypes.CDLL(os.path.abspath(library))
        self.c.t2m_errmsg.restype = ctypes.c_char_p
        self.c.encoder_width.restype = ctypes.c_size_t
        self.lib, self.encoder = ctypes.c_void_p(), ctypes.c_void_p()
        self.need(self.c.t2m_open(ctypes.byref(self.lib), ctypes.byref(Options(1, 1, 0, None, None, None, False)), None))
        self.need(self.c.encoder_open(self.lib, ctypes.byref(self.encoder), os.fsencode(folder)))

    def need(self, status):
        if status:
            raise SystemExit(self.c.t2m_errmsg(self.lib).decode() if self.lib else f"t2m_open: {status}")

    def __call__(self, texts):
        out = np.empty((len(texts), self.c.encoder_width(self.encoder)), "f4")
        array = (ctypes.c_char_p * len(texts))(*[t.encode() for t in texts])
        self.need(self.c.encoder_run(self.encoder, array, ctypes.c_size_t(len(texts)),
                                     out.ctypes.data_as(ctypes.c_void_p)))
        return out


def milliseconds(run, texts, times=5):
    """Processor time for a text; the least of `times`, after one that does not count."""
    run(texts)
    spent = []
    for _ in range(times):
        start = time.process_time()
        run(texts)
        spent.append(time.process_time() - start)
    return 1000 * min(spent) / len(texts)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder")
    ap.add_argument("texts")
    ap.add_argument("--library", dest="engine", default="build/release/libtask2model.so")
    ap.add_argument("--count", type=int, default=200)
    args = ap.parse_args()
    lines = [line.strip() for line in open(args.texts, encoding="utf8") if line.strip()]
    random.Random(0).shuffle(lines)
    some = lines[:args.count]
    every = some + HARD + [" ".join(lines[args.count:args.count + 500])]
    import torch
    from sentence_transformers import SentenceTransformer
    torch.set_num_threads(1)
    peer = SentenceTransformer(args.folder, device="cpu")
    theirs = lambda texts: peer.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    ours = Ours(args.engine, args.folder)
    print(json.dumps({
        "texts": len(every),
        "largest difference": float(np.abs(ours(every) - theirs(every)).max()),
        "ms a text, many": {"task2model": milliseconds(ours, some), "torch": milliseconds(theirs, some)},
        "ms a text, alone": {
            "task2model": milliseconds(lambda texts: [ours([t]) for t in texts], some[:50]),
            "torch": milliseconds(lambda texts: [theirs([t]) for t in texts], some[:50])},
    }, indent=1))


if __name__ == "__main__":
    main()
