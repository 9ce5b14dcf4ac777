"""A U-Net trained from scratch on the support pictures of a task, for masks.py: what is done without other tasks (Ronneberger et al. 2015,
with norms of groups of channels, Wu and He 2018). On one thread. SETTINGS are among the best of CHOICES on classes for training: masks.py DATA --choose."""
import collections
import time

import torch
from torch import nn
from torch.nn import functional

import masks_draw as draw

WIDTHS, GROUP = [16, 32, 64, 128], 8
# Steps of Adam; rate of the first one, which falls to 0 as a cosine; balance: the weight of a pixel of the class is (share outside / share
# in the class) to this power; zoom: the least side of the part of a picture that is seen in a step.
Settings = collections.namedtuple("Settings", "steps rate balance zoom")
SETTINGS = Settings(150, 1e-3, 1.0, 0.4)
CHOICES = [SETTINGS, *(SETTINGS._replace(**other) for other in (
    {"steps": 80}, {"steps": 300}, {"rate": 5e-4}, {"rate": 3e-3}, {"balance": 0.5}, {"balance": 0.0}, {"zoom": 0.7}))]


def block(inputs, width):
    layers = []
    for n in (inputs, width):
        layers += [nn.Conv2d(n, width, 3, padding=1, bias=False), nn.GroupNorm(width // GROUP, width), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(block(n, width) for n, width in zip([3, *WIDTHS], WIDTHS))
        self.up = nn.ModuleList(block(deep + width, width) for deep, width in zip(WIDTHS[1:], WIDTHS))
        self.head = nn.Conv2d(WIDTHS[0], 1, 1)

    def forward(self, x):
        beside = []
        for i, layers in enumerate(self.down):
            x = layers(functional.max_pool2d(x, 2) if i else x)
            beside.append(x)
        for layers, other in reversed(list(zip(self.up, beside))):
            x = functional.interpolate(x, scale_factor=2, mode="bilinear")
            x = layers(torch.cat([x, other], 1))
        return self.head(x)[:, 0]


def changed(x, y, zoom):
    """A part of each picture, and half of them turned left to right; labels follow."""
    n = len(x)
    side = torch.empty(n).uniform_(zoom, 1)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = side * (2 * torch.randint(0, 2, (n,)) - 1), side
    theta[:, :, 2] = (1 - side)[:, None] * torch.empty(n, 2).uniform_(-1, 1)
    grid = functional.affine_grid(theta, x.shape, align_corners=False)
    labels = functional.grid_sample(y[:, None], grid, mode="nearest", align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False), labels[:, 0]


def loss_of(logits, y, weight):
    """Cross-entropy, and 1 - Dice (Milletari et al. 2016) of all pictures together."""
    known, inside = y >= 0, (y == 1).float()
    entropy = functional.binary_cross_entropy_with_logits(logits, inside, weight=known * (1 + (weight - 1) * inside), reduction="sum")
    p = torch.sigmoid(logits) * known
    dice = (2 * (p * inside).sum() + 1) / (p.sum() + inside.sum() + 1)
    return entropy / (known * (1 + (weight - 1) * inside)).sum() + 1 - dice


def fit(x, y, settings):
    net = UNet().to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(net.parameters(), settings.rate)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(adam, settings.steps)
    weight = float(((y == 0).sum() / (y == 1).sum()) ** settings.balance)
    x = (x - 0.5) / 0.25
    for _ in range(settings.steps):
        part, labels = changed(x, y, settings.zoom)
        adam.zero_grad()
        loss_of(net(part.contiguous(memory_format=torch.channels_last)), labels, weight).backward()
        adam.step()
        rate.step()
    return lambda x: net((x - 0.5) / 0.25) > 0


def measure(task, settings, number):
    """Intersection over union, Dice, seconds."""
    torch.set_num_threads(1)
    torch.manual_seed(number)
    x, y, k = torch.from_numpy(task.x), torch.from_numpy(task.y), task.shots
    start = time.perf_counter()
    model = fit(x[:k], y[:k], settings)
    with torch.no_grad():
        said = model(x[k:]).numpy()
    return *draw.overlap(said, task.y[k:]), time.perf_counter() - start
