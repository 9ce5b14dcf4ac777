#!/usr/bin/env python3
"""Writes two tiny encoders with random weights, and what they must give for texts.txt, computed here
in double with numpy alone: plainly, text by text, without batches or padding. Run in this folder.

bert/        BERT's names with "bert." before them, norms with their old names, F32
distilbert/  DistilBERT's names, F16
expected.safetensors  [texts, width]: bert, bert_tanh (hidden_act gelu_new), bert_first ([CLS]),
                      distilbert
"""
import json
import math
import os
import struct
import unicodedata

import numpy as np

WIDTH, HEADS, HIDDEN, LAYERS, POSITIONS, MOST = 12, 3, 20, 2, 40, 24
PIECES = """[PAD] [UNK] [CLS] [SEP] [MASK] a the i to in card bank my ##s ##ing ##ed pay bill help cafe naive
un ##aff ##able transfer ##fer trans money from account . , ! ? ' $ 中 文 - x ##x strasse gr ##ü ##ß ##e want
ᄒ ##ᅡ ##ᆫ co ##op"""
TEXTS = """pay my bill
I want to transfer money from my account, please!

Unaffable CAFÉ, naïve\tcafé
中文 in the 中bank
[MASK] the bank[SEP] [mask]
Transferring cards ... paying $bills?!
GRÜßE from the Strasse – 한 «co-op»
%s a %s
""" % ("x" * 100, "x" * 101) + "help my money in the bank " * 9 + "\n"
rng = np.random.RandomState(5)


# ---- pieces ----

def words(text):
    out = [""]
    for c in text:
        kind = unicodedata.category(c)
        if c in "\t\n\r" or kind[0] == "Z":
            out.append("")
        elif ord(c) == 0xFFFD or kind in ("Cc", "Cf", "Co"):
            continue
        elif 0x4E00 <= ord(c) <= 0x9FFF:
            out += [c, ""]
        else:
            for d in unicodedata.normalize("NFD", c):
                d = d.lower()
                if unicodedata.category(d) == "Mn":
                    continue
                if unicodedata.category(d)[0] == "P" or d in "$+<=>^`|~":
                    out += [d, ""]
                else:
                    out[-1] += d
    return [w for w in out if w]


def cut(word, number):
    out, at = [], 0
    while at < len(word):
        for end in range(len(word), at, -1):
            piece = ("##" if at else "") + word[at:end]
            if piece in number:
                break
        else:
            return ["[UNK]"]
        out.append(piece)
        at = end
    return out if len(word) <= 100 else ["[UNK]"]


def pieces(text, number):
    out, rest = [], text
    for special in ("[MASK]", "[SEP]"):
        rest = rest.replace(special, "\0" + special + "\0")
    for part in rest.split("\0"):
        out += [part] if part in ("[MASK]", "[SEP]") else [p for w in words(part) for p in cut(w, number)]
    return [number[p] for p in ["[CLS]"] + out[:MOST - 2] + ["[SEP]"]]


# ---- the model ----

def norm(x, w, b):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12) * w + b


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACT = {"gelu": np.vectorize(lambda v: v * 0.5 * (1 + math.erf(v / math.sqrt(2)))),
       "gelu_new": lambda v: 0.5 * v * (1 + np.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v ** 3))),
       "relu": lambda v: np.maximum(v, 0)}


def last_layer(ids, w, names, act):
    """w: tensors by name; names: of each part of a layer."""
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:len(ids)]
    if "embeddings.token_type_embeddings.weight" in w:
        x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
    for layer in range(LAYERS):
        def linear(part, v):
            name = names["layer"] % layer + names[part]
            return v @ w[name + ".weight"].T + w[name + ".bias"]
        q, k, v = (linear(p, x) for p in ("q", "k", "v"))
        size = WIDTH // HEADS
        joined = np.zeros_like(x)
        for h in range(HEADS):
            at = slice(h * size, (h + 1) * size)
            joined[:, at] = softmax(q[:, at] @ k[:, at].T / math.sqrt(size)) @ v[:, at]
        name = names["layer"] % layer
        x = norm(linear("join", joined) + x, w[name + names["n1"] + ".weight"], w[name + names["n1"] + ".bias"])
        x = norm(linear("down", ACT[act](linear("up", x))) + x, w[name + names["n2"] + ".weight"],
                 w[name + names["n2"] + ".bias"])
    return x


BERT = dict(layer="encoder.layer.%d.", q="attention.self.query", k="attention.self.key", v="attention.self.value",
            join="attention.output.dense", n1="attention.output.LayerNorm", up="intermediate.dense",
            down="output.dense", n2="output.LayerNorm")
DISTIL = dict(layer="transformer.layer.%d.", q="attention.q_lin", k="attention.k_lin", v="attention.v_lin",
              join="attention.out_lin", n1="sa_layer_norm", up="ffn.lin1", down="ffn.lin2", n2="output_layer_norm")


def draw(names, kinds, dtype):
    def some(*shape, spread=0.4, centre=0.0):
        return (centre + spread * rng.standard_normal(shape)).astype(dtype).astype("f8")
    w = {"embeddings.word_embeddings.weight": some(len(PIECES.split()), WIDTH),
         "embeddings.position_embeddings.weight": some(POSITIONS, WIDTH)}
    if kinds:
        w["embeddings.token_type_embeddings.weight"] = some(kinds, WIDTH)
    sizes = dict(q=(WIDTH, WIDTH), k=(WIDTH, WIDTH), v=(WIDTH, WIDTH), join=(WIDTH, WIDTH), up=(HIDDEN, WIDTH),
                 down=(WIDTH, HIDDEN))
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        for part, size in sizes.items():
            w[names["layer"] % layer + names[part] + ".weight"] = some(*size)
            w[names["layer"] % layer + names[part] + ".bias"] = some(size[0], spread=0.2)
        norms += [names["layer"] % layer + names[n] for n in ("n1", "n2")]
    for n in norms:
        w[n + ".weight"] = some(WIDTH, spread=0.2, centre=1)
        w[n + ".bias"] = some(WIDTH, spread=0.2)
    return w


# ---- files ----

def write(path, tensors):
    """tensors: name: array, in the type of the array."""
    at, header, data = 0, {}, b""
    for name, x in tensors.items():
        raw = np.ascontiguousarray(x).tobytes()
        kind = {"f4": "F32", "f2": "F16", "i8": "I64"}[x.dtype.str[1:]]
        header[name] = {"dtype": kind, "shape": list(x.shape), "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def folder(name, config, tensors):
    os.makedirs(name, exist_ok=True)
    with open(name + "/vocab.txt", "w", encoding="utf8") as f:
        f.write("\n".join(PIECES.split()) + "\n")
    with open(name + "/config.json", "w") as f:
        json.dump(config, f, indent=1)
    with open(name + "/sentence_bert_config.json", "w") as f:
        json.dump({"max_seq_length": MOST, "do_lower_case": False}, f)
    write(name + "/model.safetensors", tensors)


def old(name):
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")


def vectors(w, names, act, first=False):
    number = {p: i for i, p in enumerate(PIECES.split())}
    out = []
    for text in TEXTS[:-1].split("\n"):
        x = last_layer(pieces(text, number), w, names, act)
        m = x[0] if first else x.mean(0)
        out.append(m / np.linalg.norm(m))
    return np.array(out, "f4")


bert, distil = draw(BERT, 2, "f4"), draw(DISTIL, 0, "f2")
both = {"vocab_size": len(PIECES.split()), "max_position_embeddings": POSITIONS}
published = {"bert." + old(k): v.astype("f4") for k, v in bert.items()}
published["bert.embeddings.position_ids"] = np.arange(POSITIONS, dtype="i8")[None]
published["bert.pooler.dense.bias"] = np.zeros(WIDTH, "f4")
folder("bert", dict(model_type="bert", hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                    intermediate_size=HIDDEN, hidden_act="gelu", layer_norm_eps=1e-12, type_vocab_size=2,
                    position_embedding_type="absolute", **both), published)
folder("distilbert", dict(model_type="distilbert", dim=WIDTH, n_layers=LAYERS, n_heads=HEADS, hidden_dim=HIDDEN,
                          activation="relu", **both), {k: v.astype("f2") for k, v in distil.items()})
with open("texts.txt", "w", encoding="utf8") as f:
    f.write(TEXTS)
write("expected.safetensors", {"bert": vectors(bert, BERT, "gelu"), "bert_tanh": vectors(bert, BERT, "gelu_new"),
                               "bert_first": vectors(bert, BERT, "gelu", True),
                               "distilbert": vectors(distil, DISTIL, "relu")})
