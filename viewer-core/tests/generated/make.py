"""Writes streams of every codec by encoders of other projects, with what each has to become.

Use: make.py FILE; `container.py` says what the file holds. The same versions of the packages write the same file.
"""

import pathlib
import sys
import time
from importlib.metadata import version

import cosines
import lossless
import wavelets
from container import Container

FAMILIES = (
    lossless.jpeg_ls, lossless.jpeg_lossless, lossless.jpeg_xl, lossless.run_lengths, lossless.deflated,
    wavelets.jpeg_2000, wavelets.high_throughput, cosines.jpeg,
    cosines.jpeg_in_jpeg_xl,
)
PACKAGES = ("imagecodecs", "numpy", "pillow", "pillow-jxl-plugin", "pydicom", "pyjpegls", "pylibjpeg-rle")


def main(path):
    container = Container()
    for family in FAMILIES:
        began, before = time.monotonic(), len(container.entries)
        family(container)
        made, seconds = len(container.entries) - before, time.monotonic() - began
        print(f"{family.__name__}: {made} streams, {seconds:.1f} s", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    size = container.write(path, {name: version(name) for name in PACKAGES})
    for why, count in sorted(container.refused.items()):
        print(f"not made, {count}: {why}")
    print(f"{len(container.entries)} streams, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
