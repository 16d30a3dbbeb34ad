"""Train a small DenseNet-BC on handwritten digits, then run it without PyTorch.

    python examples/digits.py [folder for the results]

The network is specs/digits.arch. It is trained by a plain PyTorch loop on scikit-learn's bundled digits, saved as
safetensors, compiled to ONNX with those weights and run on onnxruntime, which must predict the same digit for every
test image. Needs archdsl[all] and scikit-learn; about half a minute on two cores. Exits with 1 when a step fails.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy
import onnxruntime
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import archdsl
from archdsl.weights import save_safetensors

SPEC = Path(__file__).parents[1] / "specs" / "digits.arch"
EPOCHS = 12
BATCH = 64
GOAL = 0.98


def data() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training and test images [N, 1, 8, 8] in 0..1, with their digits: 1,437 and 360 of them."""
    digits = load_digits()
    images = (digits.images / 16).astype(numpy.float32)[:, None]
    train, test, train_labels, test_labels = train_test_split(
        images, digits.target, test_size=0.2, random_state=0, stratify=digits.target
    )
    return tuple(torch.from_numpy(array) for array in (train, train_labels, test, test_labels))


def train(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    """A plain training loop: nothing here knows that the model came from a spec."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-2)
    steps = EPOCHS * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=steps)
    model.train()
    for epoch in range(1, EPOCHS + 1):
        order = torch.randperm(len(images))
        total = 0.0
        for start in range(0, len(images) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            loss = F.cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        if epoch % 4 == 0:
            print(f"  epoch {epoch:2}: loss {total / (len(images) // BATCH):.4f}")


def main(folder: Path) -> int:
    torch.manual_seed(0)
    began = time.perf_counter()
    network = archdsl.load(SPEC)
    print(f"1. {SPEC.name}: {network.cost().params:,} parameters, {network.cost().macs:,} multiply-adds an image")

    images, labels, test_images, test_labels = data()
    print(f"2. training on {len(images)} images, testing on {len(test_images)}")
    model = network.torch()
    train(model, images, labels)
    model.eval()
    with torch.no_grad():
        predicted = model(test_images).argmax(1).numpy()
    accuracy = float((predicted == test_labels.numpy()).mean())
    print(f"3. test accuracy {accuracy:.2%} after {time.perf_counter() - began:.0f} s")
    if accuracy < GOAL:
        print(f"failed: {GOAL:.0%} was the goal")
        return 1

    weights = folder / "digits.safetensors"
    save_safetensors(weights, model.state_dict())
    print(f"4. saved {weights} ({weights.stat().st_size / 1024:.0f} KiB)")

    compiled = folder / "digits.onnx"
    network.onnx(compiled, weights)
    print(f"5. compiled {compiled} ({compiled.stat().st_size / 1024:.0f} KiB)")

    session = onnxruntime.InferenceSession(str(compiled), providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"image": test_images.numpy()})
    same = int((scores.argmax(1) == predicted).sum())
    print(f"6. onnxruntime predicts the same digit for {same} of {len(predicted)} test images")
    if same != len(predicted):
        print("failed: PyTorch and onnxruntime disagree")
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
        target.mkdir(parents=True, exist_ok=True)
        sys.exit(main(target))
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(Path(temporary)))
