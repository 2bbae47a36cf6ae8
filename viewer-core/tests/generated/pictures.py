"""Made-up pictures: rows, columns and components of whole numbers over the whole range of their depth."""

import numpy as np

# Rows and columns: single ones, primes, powers of two and their neighbours, long ones.
SIZES = (
    *((1, 1), (1, 2), (2, 1), (2, 2), (1, 7), (13, 1), (3, 3), (5, 4), (7, 8), (8, 7), (8, 8), (9, 9)),
    *((16, 16), (15, 17), (31, 33), (33, 31), (64, 64), (65, 63), (61, 127), (127, 61), (1, 4097), (4097, 1)),
    *((3, 4097), (4097, 3), (128, 129), (257, 300)),
)
KINDS = ("texture", "noise", "steps", "ramps", "spikes")


def picture(rows, columns, components, bits, signed, kind, seed):
    """One picture; its smallest and its largest number occur in it if it has more than one sample."""
    random = np.random.default_rng([seed, rows, columns, components, bits, KINDS.index(kind)])
    top = (1 << bits) - 1
    shape = (rows, columns, components)
    y, x, z = np.meshgrid(*(np.arange(each) for each in shape), indexing="ij")
    if kind == "texture":
        waves = np.sin(x / 9 + z) + np.cos(y / 7 - z / 2) + np.sin((x + 2 * y) / 23)
        numbers = (waves + 3) / 6 * top + random.normal(0, top / 200 + 0.3, shape)
    elif kind == "noise":
        numbers = random.integers(0, top + 1, shape)
    elif kind == "steps":
        # Flat areas with sharp edges: runs of JPEG-LS and RLE, empty blocks of JPEG 2000.
        areas = random.integers(0, top + 1, (7, 7, components))
        numbers = areas[y * 7 // rows, x * 7 // columns, z]
    elif kind == "ramps":
        numbers = (x * 3 + y * 5 + z * 7) * max(top // 255, 1) % (top + 1)
    else:
        # Mostly one number, here and there the ends of the range.
        numbers = np.full(shape, top // 3)
        where = random.random(shape)
        numbers[where < 0.03] = 0
        numbers[where > 0.97] = top
    numbers = np.clip(np.rint(numbers), 0, top).astype(np.int64)
    if numbers.size > 1:
        numbers.flat[0], numbers.flat[-1] = top, 0
    return numbers - (1 << (bits - 1)) if signed else numbers


def pattern(numbers, bits):
    """The bits of numbers, as encoders get them that know no sign."""
    return numbers & ((1 << bits) - 1)


def as_signed(patterns, bits):
    """Two's complement of so many bits."""
    half = 1 << (bits - 1)
    return (patterns.astype(np.int64) ^ half) - half


def little_endian(numbers, size):
    """Numbers as that many bytes each, interleaved as they are."""
    kind = {1: np.uint8, 2: np.uint16, 4: np.uint32}[size]
    return (numbers.astype(np.int64) & ((1 << 8 * size) - 1)).astype(kind).astype(f"<u{size}").tobytes()
