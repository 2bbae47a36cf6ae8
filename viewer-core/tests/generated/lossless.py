"""Streams of JPEG-LS, of JPEG's lossless process, of JPEG XL, of run lengths and of DEFLATE."""

import itertools
import random
import zlib

import imagecodecs
import numpy as np
import rle
from pydicom.pixels.encoders import RLELosslessEncoder

import charls
import libjpeg
from pictures import KINDS, SIZES, as_signed, little_endian, pattern, picture

JPEG_LS, JPEG_LS_NEAR = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"
JPEG_LOSSLESS, JPEG_LOSSLESS_FIRST = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
JPEG_XL, JPEG_XL_LOSSY = "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.112"
RUN_LENGTHS, DEFLATED = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1"
SIDES = ((37, 41), (16, 17), (61, 64), (5, 4), (53, 29), (9, 100), (64, 8))


def _allocated(bits, turn):
    """Eight bits in sixteen now and then."""
    return 8 if bits <= 8 and turn % 3 else 16


def _jpeg_ls(to, sides, bits, kind, turn, components=1, signed=False, **options):
    numbers = picture(*sides, components, bits, signed, kind, turn)
    given = pattern(numbers, bits)
    near = options.get("near", 0)
    try:
        stream = charls.encode(given, bits, **options)
    except charls.Refused as why:
        to.refuse("JPEG-LS", f"{bits} bits, {options}: {why}")
        return
    decoded = charls.decode(stream, given.shape, bits, options.get("interleave", 0))
    if np.abs(decoded - given).max() > near:
        to.refuse("JPEG-LS", f"{bits} bits, {options}: its own decoder is farther off than it may be")
        return
    to.add(
        "JPEG-LS", JPEG_LS_NEAR if near else JPEG_LS, stream,
        as_signed(decoded, bits) if signed else decoded, bits, f"{kind} {options}",
        signed=signed, allocated=_allocated(bits, turn),
    )


def jpeg_ls(to):
    turn, chance = itertools.count(), random.Random(1)
    for bits in range(2, 17):
        for kind, sides in zip(KINDS * 2, SIDES + SIDES):
            _jpeg_ls(to, sides, bits, kind, next(turn), signed=chance.randrange(4) == 3)
        nears = sorted({1, 2, 3, 7, 20, 255, (1 << bits) // 2 - 1})
        for near, kind in itertools.product((n for n in nears if n <= min(255, (1 << bits) // 2 - 1)), KINDS[:3]):
            _jpeg_ls(to, chance.choice(SIDES), bits, kind, next(turn), near=near)
        for interleave, near in itertools.product(range(3), (0, 1, 5)):
            if near * 2 < 1 << bits:
                kind, sides = chance.choice(KINDS), chance.choice(SIDES)
                _jpeg_ls(to, sides, bits, kind, next(turn), components=3, near=near, interleave=interleave)
        half = max((1 << bits) // 2, 2)
        for presets in (
            (0, 0, 0, 3), (0, 0, 0, 255), (half // 9 + 1, half // 5 + 1, half // 2 + 1, 64), (2, 2, 2, 31),
            (half // 3 + 1, half // 2 + 1, half, 100),
        ):
            for near in (0, 1):
                _jpeg_ls(to, chance.choice(SIDES), bits, chance.choice(KINDS), next(turn), near=near, presets=presets)
    for sides, (bits, near) in itertools.product(SIZES, ((8, 0), (12, 2), (16, 0))):
        _jpeg_ls(to, sides, bits, chance.choice(KINDS), next(turn), near=near)
    for sides, interleave in itertools.product(SIZES, range(3)):
        _jpeg_ls(to, sides, 8, chance.choice(KINDS), next(turn), components=3, interleave=interleave)


def _jpeg(to, sides, bits, kind, turn, components=1, signed=False, **options):
    numbers = picture(*sides, components, bits, signed, kind, turn)
    given = pattern(numbers, bits)
    stream = libjpeg.encode(given, bits, libjpeg.RGB if components == 3 else libjpeg.GREY, **options)
    point = options.get("point", 0)
    expected = given >> point << point
    space = "RGB" if components == 3 else "GRAYSCALE"
    decoded = imagecodecs.jpeg8_decode(stream, colorspace=space, outcolorspace=space).reshape(given.shape)
    if (decoded != expected).any():
        to.refuse("JPEG lossless", f"{bits} bits, {options}: its own decoder gives other numbers")
        return
    to.add(
        "JPEG lossless", JPEG_LOSSLESS if options["predictor"] > 1 or point else JPEG_LOSSLESS_FIRST, stream,
        as_signed(expected, bits) if signed else expected, bits, f"{kind} {options}",
        signed=signed, allocated=_allocated(bits, turn),
    )


def jpeg_lossless(to):
    turn, chance = itertools.count(), random.Random(1)
    for bits, predictor in itertools.product(range(2, 17), range(1, 8)):
        sides, kind = chance.choice(SIDES), chance.choice(KINDS)
        _jpeg(to, sides, bits, kind, next(turn), signed=predictor == 3, predictor=predictor)
        point = 1 + (predictor + bits) % (bits - 1)
        _jpeg(to, sides, bits, chance.choice(KINDS), next(turn), predictor=predictor, point=point)
        if predictor % 2:
            _jpeg(to, chance.choice(SIDES), bits, kind, next(turn), components=3, predictor=predictor)
        else:
            scans = ([[0], [1], [2]], [[0], [1, 2]], [[2], [0], [1]])[predictor // 2 - 1]
            _jpeg(to, sides, bits, kind, next(turn), components=3, predictor=predictor, scans=scans)
    for bits, predictor, rows in itertools.product((8, 12, 16), range(1, 8), (1, 2, 5)):
        kind, components = chance.choice(KINDS), 3 if rows == 2 else 1
        options = {"predictor": predictor, "restart_rows": rows, "point": rows // 5}
        _jpeg(to, chance.choice(SIDES), bits, kind, next(turn), components=components, **options)
    for sides, bits in itertools.product(SIZES, (8, 11, 16)):
        predictor = 1 + chance.randrange(7)
        _jpeg(to, sides, bits, chance.choice(KINDS), next(turn), predictor=predictor)
        _jpeg(to, sides, bits, chance.choice(KINDS), next(turn), components=3, predictor=predictor)
    # Differences of 32768, which have a code without further bits (H.1.2.2).
    for sides, predictor in itertools.product(SIDES, range(1, 8)):
        rows, columns = np.indices(sides)
        board = ((rows + columns) % 2 << 15)[:, :, None]
        stream = libjpeg.encode(board, 16, predictor=predictor)
        assert (imagecodecs.jpeg8_decode(stream) == board[:, :, 0]).all()
        to.add("JPEG lossless", JPEG_LOSSLESS, stream, board, 16, f"board, predictor {predictor}")
    # Another encoder, which has one predictor and names no depth below 8.
    for bits, (sides, kind) in itertools.product(range(8, 17), zip(SIDES, KINDS)):
        numbers = picture(*sides, 1, bits, False, kind, next(turn))
        given = numbers[:, :, 0].astype(np.uint8 if bits <= 8 else np.uint16)
        try:
            stream = imagecodecs.ljpeg_encode(given, bitspersample=bits)
            same = (imagecodecs.ljpeg_decode(stream).reshape(given.shape) == given).all()
        except (ValueError, RuntimeError) as why:
            to.refuse("liblj92", f"{bits} bits: {why}")
            continue
        if not same:
            to.refuse("liblj92", f"{bits} bits: its own decoder gives other numbers")
            continue
        allocated = _allocated(bits, next(turn))
        to.add("JPEG lossless", JPEG_LOSSLESS, stream, numbers, bits, f"{kind} liblj92", allocated=allocated)


def _jpeg_xl(to, sides, bits, kind, turn, components=1, signed=False, **options):
    numbers = picture(*sides, components, bits, signed, kind, turn)
    given = pattern(numbers, bits).astype(np.uint8 if bits <= 8 else np.uint16)
    given = given if components == 3 else given[:, :, 0]
    lossless = "level" not in options
    space = "RGB" if components == 3 else "GRAY"
    try:
        stream = imagecodecs.jpegxl_encode(
            given, lossless=lossless, bitspersample=bits, photometric=space, numthreads=1, **options
        )
    except (ValueError, RuntimeError) as why:
        to.refuse("JPEG XL", f"{bits} bits {options}: {why}")
        return
    expected = imagecodecs.jpegxl_decode(stream, numthreads=1).astype(np.int64).reshape(numbers.shape)
    if lossless:
        assert (expected == pattern(numbers, bits)).all()
    to.add(
        "JPEG XL", JPEG_XL if lossless else JPEG_XL_LOSSY, stream,
        as_signed(expected, bits) if signed else expected, bits, f"{kind} {options}",
        signed=signed, allocated=_allocated(bits, turn), compare="exact" if lossless else "close",
    )


def jpeg_xl(to):
    turn, chance = itertools.count(), random.Random(1)
    for bits in range(1, 17):
        for effort, kind in zip((1, 3, 4, 7, 9), KINDS):
            sides = chance.choice(SIDES)
            _jpeg_xl(to, sides, bits, kind, next(turn), signed=effort == 4 and bits > 1, effort=effort)
            kind = chance.choice(KINDS)
            _jpeg_xl(to, sides, bits, kind, next(turn), components=3, effort=effort, usecontainer=effort == 3)
    for sides, components in itertools.product(SIZES, (1, 3)):
        kind, bits = chance.choice(KINDS), chance.choice((8, 12, 16))
        _jpeg_xl(to, sides, bits, kind, next(turn), components=components, effort=2, decodingspeed=1)
    for level, kind, components in itertools.product((60, 90, 98), KINDS[:3], (1, 3)):
        _jpeg_xl(to, (61, 64), 8, kind, next(turn), components=components, level=level)


def _in_words(numbers, allocated, stored, high_bit):
    """Stored values at their place in the word."""
    return little_endian(pattern(numbers, stored) << (high_bit + 1 - stored), allocated // 8)


NATIVE = (
    *((8, bits, bits - 1) for bits in (1, 5, 8)), *((16, bits, bits - 1) for bits in (8, 10, 12, 13, 16)),
    (16, 12, 15), (16, 10, 11), (32, 20, 19), (32, 32, 31), (32, 24, 31),
)


def _native(numbers, turn, samples):
    """Attributes and pixels of every depth that has no codec's limits."""
    allocated, stored, high_bit = NATIVE[turn % len(NATIVE)]
    signed = samples == 1 and turn % 2 == 1 and stored > 1
    made = picture(*numbers, samples, stored, signed, KINDS[turn % 5], turn)
    return made, _in_words(made, allocated, stored, high_bit), {
        "allocated": allocated, "high_bit": high_bit, "signed": signed,
    }, stored


def run_lengths(to):
    turn = 0
    for sides, samples in itertools.product((*SIZES, *SIDES), (1, 1, 3)):
        for _ in range(2):
            turn += 1
            made, raw, format_, stored = _native(sides, turn, samples)
            about = f"{KINDS[turn % 5]} {format_}"
            options = {
                "rows": sides[0], "columns": sides[1], "samples_per_pixel": samples, "number_of_frames": 1,
                "bits_allocated": format_["allocated"], "bits_stored": stored,
                "pixel_representation": int(format_["signed"]),
                "photometric_interpretation": "RGB" if samples == 3 else "MONOCHROME2",
            }
            if samples == 3:
                options["planar_configuration"] = 0
            # pydicom takes what the standard lists for this syntax, which leaves 32 bits out; of eight bits stored in
            # sixteen it drops a byte, but not the segment.
            if format_["high_bit"] == stored - 1 and (format_["allocated"], stored > 8) in ((8, False), (16, True)):
                stream = RLELosslessEncoder.encode(raw, encoding_plugin="pydicom", **options)
                to.add("RLE", RUN_LENGTHS, stream, made, stored, f"{about} pydicom", planar=turn % 2, **format_)
            stream = rle.rle.encode_frame(raw, *sides, samples, format_["allocated"], "<")
            to.add("RLE", RUN_LENGTHS, stream, made, stored, f"{about} pylibjpeg-rle", planar=turn % 2, **format_)
        bits = picture(*sides, 1, 1, False, KINDS[turn % 5], turn)
        stream = rle.rle.encode_frame(bits.astype(np.uint8).tobytes(), *sides, 1, 1, "<")
        to.add("RLE", RUN_LENGTHS, stream, bits, 1, "bits pylibjpeg-rle", allocated=1, high_bit=0)


def deflated(to):
    turn = 0
    strategies = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)
    for sides, samples in itertools.product((*SIZES, *SIDES), (1, 3)):
        for _ in range(2):
            turn += 1
            made, raw, format_, stored = _native(sides, turn, samples)
            planar = samples == 3 and turn % 2 == 1
            if planar:
                size = format_["allocated"] // 8
                raw = np.frombuffer(raw, np.uint8).reshape(-1, 3, size).transpose(1, 0, 2).tobytes()
            level, strategy = turn % 10, strategies[turn % 5]
            press = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
            stream = press.compress(raw) + press.flush()
            about = f"{KINDS[turn % 5]} level {level} strategy {strategy} {format_}"
            to.add("Deflated", DEFLATED, stream, made, stored, about, planar=planar, **format_)
            if samples == 1:
                bits = picture(*sides, 1, 1, False, "noise", turn)
                packed = np.packbits(bits.astype(np.uint8).ravel(), bitorder="little").tobytes()
                press = zlib.compressobj(level, zlib.DEFLATED, -15, 8, strategy)
                stream = press.compress(packed) + press.flush()
                about = f"bits, level {level} strategy {strategy}"
                to.add("Deflated", DEFLATED, stream, bits, 1, about, allocated=1, high_bit=0)
