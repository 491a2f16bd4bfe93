"""Train the small digit reader used by the examples and write its weights.

The network learns from the first 1,000 scans of scikit-learn's ``load_digits`` and
is scored on the last 797.  Every training batch is warped at random (shift, turn,
stretch, elastic bend, stroke weight).  The saved weights are a running average over
the steps, with batch normalisation folded into the convolutions, so that inference
needs only convolution, ReLU, max-pooling, concatenation and one matrix product.

    python examples/training/train_digits.py --out digits.safetensors

needs torch, scikit-learn and safetensors.  ``--holdout`` trains on the first 800
scans and scores the next 200, to compare settings without touching the last 797.
"""

import argparse
import math
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as nnf
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

BATCH, EPOCHS, RATE = 100, 200, 3e-3


def block(inputs: int, outputs: int, side: int) -> nn.Sequential:
    """Convolution (stride 1, same size out), batch normalisation and ReLU."""
    conv = nn.Conv2d(inputs, outputs, side, padding=side // 2)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Reader(nn.Module):
    """The network: (N, 1, 8, 8) scans scaled to 0..1 in, (N, 10) logits out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = block(1, 32, 3)
        self.branch_a = block(32, 32, 3)
        self.branch_b = block(32, 16, 5)
        self.mix = block(48, 64, 3)
        self.deep = block(64, 64, 3)
        self.head = nn.Linear(64 * 2 * 2, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([self.branch_a(x), self.branch_b(x)], dim=1)
        x = self.mix(nnf.max_pool2d(x, 2))
        x = nnf.max_pool2d(self.deep(x), 2).flatten(1)
        return self.head(nnf.dropout(x, 0.3, self.training))

    def fold(self) -> None:
        """Merge every batch normalisation into the convolution before it."""
        self.eval()
        for part in self.children():
            if isinstance(part, nn.Sequential):
                conv, norm = part[0], part[1]
                assert isinstance(conv, nn.Conv2d)
                assert isinstance(norm, nn.BatchNorm2d)
                part[0], part[1] = fuse_conv_bn_eval(conv, norm), nn.Identity()


def warp(images: Tensor) -> Tensor:
    """Distort every image at random: affine map, elastic bend and stroke weight."""
    n = len(images)

    def jitter(amount: float) -> Tensor:
        return (2 * torch.rand(n) - 1) * amount

    turn, shear = jitter(math.pi / 12), jitter(0.2)
    wide, tall = jitter(0.15), jitter(0.15)
    across = torch.stack([turn.cos() + wide, shear - turn.sin(), jitter(0.2)], 1)
    down = torch.stack([turn.sin(), turn.cos() + tall, jitter(0.2)], 1)
    affine = torch.stack([across, down], 1)
    bend = nnf.interpolate(0.1 * torch.randn(n, 2, 4, 4), size=8, mode="bicubic")
    grid = nnf.affine_grid(affine, [n, 1, 8, 8], False) + bend.permute(0, 2, 3, 1)
    warped = nnf.grid_sample(images, grid, mode="bicubic", align_corners=False)
    return warped.clamp(0, 1) ** jitter(0.4).exp()[:, None, None, None]


def train(images: Tensor, labels: Tensor) -> Reader:
    """Train on the given scans and return the averaged, folded network."""
    model = Reader()
    ema = get_ema_multi_avg_fn(0.99)
    average = AveragedModel(model, multi_avg_fn=ema, use_buffers=True)
    steps = EPOCHS * math.ceil(len(images) / BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for pick in torch.randperm(len(images)).split(BATCH):
            logits = model(warp(images[pick]))
            loss = nnf.cross_entropy(logits, labels[pick], label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            average.update_parameters(model)
    assert isinstance(average.module, Reader)
    average.module.fold()
    return average.module


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the small digit reader.")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--holdout", action="store_true", help="train 800, score 200")
    options = parser.parse_args()

    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(options.seed)
    scans = load_digits()
    images = torch.tensor(scans.images / 16, dtype=torch.float32)[:, None]
    labels = torch.tensor(scans.target)
    split, end = (800, 1000) if options.holdout else (1000, len(images))

    began = time.perf_counter()
    model = train(images[:split], labels[:split])
    seconds = time.perf_counter() - began
    with torch.inference_mode():
        guess = model(images[split:end]).argmax(1)
    right, of = int((guess == labels[split:end]).sum()), end - split
    print(f"{right} of {of} right = {right / of:.2%}, trained in {seconds:.0f} s")

    command = f"python train_digits.py --out {options.out.name} --seed {options.seed}"
    notes = {
        "accuracy": f"{right} of {of} right = {right / of:.2%}",
        "scored": f"load_digits scans {split} to {end - 1}, counted from 0",
        "seed": str(options.seed),
        "torch": torch.__version__,
        "command": command + " --holdout" * options.holdout,
    }
    # "stem.0.weight" in the network is "stem.weight" in the file; stretto's Linear keeps its weight as (in, out).
    weights = {k.replace(".0.", "."): v for k, v in model.state_dict().items()}
    weights["head.weight"] = weights["head.weight"].T.contiguous()
    save_file(weights, options.out, metadata=notes)


if __name__ == "__main__":
    main()
