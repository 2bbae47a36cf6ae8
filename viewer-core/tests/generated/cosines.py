"""Streams of JPEG by DCT; what libjpeg-turbo makes of them is what is expected."""

import itertools
import random

import imagecodecs
import numpy as np
from pillow_jxl import Encoder

import libjpeg
from pictures import KINDS, SIZES, picture

BASELINE, EXTENDED, PROGRESSIVE, RECOMPRESSED = (f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 55, 111))
SIDES = ((37, 41), (16, 16), (61, 64), (5, 6), (129, 67), (33, 200), (8, 7))
SAMPLINGS = {
    "444": ((1, 1), (1, 1), (1, 1)),
    "422": ((2, 1), (1, 1), (1, 1)),
    "420": ((2, 2), (1, 1), (1, 1)),
    "440": ((1, 2), (1, 1), (1, 1)),
    "411": ((4, 1), (1, 1), (1, 1)),
    "410": ((4, 2), (1, 1), (1, 1)),
    # None is shared where all are sampled alike.
    "alike": ((2, 1), (2, 1), (2, 1)),
}
SPACES = {libjpeg.GREY: "GRAYSCALE", libjpeg.RGB: "RGB", libjpeg.YBR: "YCBCR"}


def _jpeg(to, sides, bits, kind, turn, space=libjpeg.GREY, **options):
    components = 1 if space == libjpeg.GREY else 3
    numbers = picture(*sides, components, bits, False, kind, turn)
    sampling = options.get("sampling", "444")
    given = {**options, "sampling": SAMPLINGS[sampling][:components]}
    stream = libjpeg.encode(numbers, bits, space, **given)
    decoded = imagecodecs.jpeg8_decode(stream, colorspace=SPACES[space], outcolorspace=SPACES[space])
    decoded = decoded.astype(np.int64).reshape(numbers.shape)
    # How chroma is spread is no matter of the standard. Where it has two columns or fewer, or one sample for eight
    # pixels, libjpeg-turbo repeats samples that others mix.
    is_repeated = sampling == "410" or sampling in ("422", "420") and (sides[1] + 1) // 2 <= 2
    photometric = {libjpeg.GREY: "MONOCHROME2", libjpeg.RGB: "RGB"}.get(space, "YBR_FULL")
    if space == libjpeg.YBR and sampling == "422":
        photometric = "YBR_FULL_422"
    # Steps of 16 bits are not baseline (B.2.4.1).
    syntax = PROGRESSIVE if options.get("progressive") else EXTENDED if bits == 12 or options.get("wide") else BASELINE
    to.add(
        "JPEG", syntax, stream, decoded, bits, f"{kind} {SPACES[space]} {options}",
        photometric=photometric, means="YBR_FULL" if space == libjpeg.YBR else photometric,
        compare="first" if is_repeated else "exact" if bits == 8 else "close",
    )


def jpeg(to):
    turn, chance = itertools.count(), random.Random(1)

    def one(sides, bits, **options):
        kind = options.pop("kind", chance.choice(KINDS))
        _jpeg(to, sides, bits, kind, next(turn), **options)

    for bits, kind, quality in itertools.product((8, 12), KINDS, (30, 75, 95, 100)):
        one(chance.choice(SIDES), bits, kind=kind, quality=quality, optimize=chance.randrange(2) == 0)
        one(chance.choice(SIDES), bits, kind=kind, quality=quality, progressive=True)
    for sides, bits in itertools.product(SIZES, (8, 12)):
        one(sides, bits)
        one(sides, bits, progressive=True)
    intervals = ({"restart_blocks": 1}, {"restart_blocks": 7}, {"restart_rows": 1}, {"restart_rows": 3})
    for bits, interval in itertools.product((8, 12), intervals):
        one((67, 131), bits, **interval)
        one((67, 131), bits, progressive=True, **interval)
        one((67, 131), bits, space=libjpeg.RGB, **interval)
    scans = (None, [[0], [1], [2]], [[0], [1, 2]], [[2], [1], [0]])
    for bits, sampling, space in itertools.product((8, 12), SAMPLINGS, (libjpeg.YBR, libjpeg.RGB)):
        if space == libjpeg.RGB and sampling != "444":
            continue
        for sides, kind in zip(SIDES, KINDS + KINDS):
            options = {"space": space, "sampling": sampling, "kind": kind, "quality": chance.choice((75, 90, 98))}
            one(sides, bits, progressive=True, **options)
            parts = chance.choice(scans)
            restart = chance.choice(({"restart_rows": 1}, {"restart_blocks": 3}, {}))
            one(sides, bits, **({"scans": parts} if parts else {}), **restart, **options)
    for sides, sampling in itertools.product(SIZES, SAMPLINGS):
        says = {"adobe": chance.randrange(2), "jfif": chance.randrange(2)}
        one(sides, 8, space=libjpeg.YBR, sampling=sampling, kind="texture", **says)
    # One component is coded block by block, whatever its sampling factors say (A.2.2).
    for sides, bits, progressive in itertools.product(SIDES, (8, 12), (False, True)):
        one(sides, bits, sampling="420", progressive=progressive, restart_blocks=chance.randrange(2) * 5)
    # Steps of 16 bits.
    for bits, quality, progressive in itertools.product((8, 12), (1, 5, 10), (False, True)):
        one((61, 64), bits, quality=quality, progressive=progressive, wide=True, kind="texture")
    for names in ((0, 1, 2), (1, 2, 3), (82, 71, 66), (34, 35, 36)):
        one((37, 41), 8, space=libjpeg.RGB, names=names, adobe=True)


def jpeg_in_jpeg_xl(to):
    """The coefficients of JPEG streams in JPEG XL; colours leave libjxl, and others, as RGB."""
    turn, chance = itertools.count(), random.Random(1)
    samplings = ("444", "422", "420", "440")
    for sides, (place, kind) in itertools.product((*SIDES, (257, 300), (1, 1), (4097, 3)), enumerate(KINDS)):
        space = chance.choice((libjpeg.GREY, libjpeg.YBR, libjpeg.YBR))
        components = 1 if space == libjpeg.GREY else 3
        sampling = chance.choice(samplings)
        numbers = picture(*sides, components, 8, False, kind, place)
        progressive = chance.randrange(2)
        options = {"sampling": SAMPLINGS[sampling][:components], "progressive": progressive, "quality": 60 + 9 * place}
        jpeg_stream = libjpeg.encode(numbers, 8, space, **options)
        pack = Encoder(
            mode="L" if components == 1 else "RGB", lossless=True, quality=100, decoding_speed=0, effort=7,
            use_container=False, use_original_profile=False, num_threads=1,
        )
        stream = pack(jpeg_stream, sides[1], sides[0], jpeg_encode=True)
        # The box by which the JPEG could be had back: it was not decoded and coded anew.
        assert b"jbrd" in stream
        decoded = imagecodecs.jpegxl_decode(stream, numthreads=1).astype(np.int64).reshape(numbers.shape)
        tag = "MONOCHROME2" if components == 1 else "YBR_FULL_422" if sampling == "422" else "YBR_FULL"
        to.add(
            "JPEG in JPEG XL", RECOMPRESSED, stream, decoded, 8, f"{kind} {sampling}, progressive {progressive}",
            photometric=tag, means="RGB" if components == 3 else tag, compare="close",
        )
